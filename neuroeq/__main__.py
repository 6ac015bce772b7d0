"""`python -m neuroeq` runs the command line."""

from neuroeq.cli import main

if __name__ == "__main__":
    main()
