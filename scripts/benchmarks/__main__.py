"""`scripts/bench NAME`."""

import sys

from . import circuits, cost, engine, training

BENCHES = {"engine": engine.main, "circuits": circuits.main, "training": training.main, "cost": cost.main}


def main() -> None:
    """Run the benchmarks that are named, or all."""
    names = sys.argv[1:] or list(BENCHES)
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"bench: no benchmark '{unknown[0]}'. There are: {', '.join(BENCHES)}.", file=sys.stderr)
        sys.exit(2)
    for name in names:
        BENCHES[name]()


main()
