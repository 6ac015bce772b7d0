# Makes the virtual environment that the other scripts use; they source this file from the project's root.
#   PYTHON   the interpreter to use; the newest of python3.13, 3.12, 3.11 and python3 that is new enough if unset
#   VENV     where the environment goes; .venv if unset
#   EXTRAS   extras of the project to install, such as [test]

say() { printf '%s\n' "$*" >&2; }

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    say "neuroeq: no Python 3.11 or newer found (looked for ${PYTHON:-python3, python3.13, python3.12, python3.11});" \
        "install one (Debian, Ubuntu: apt install python3 python3-venv) or name it: PYTHON=/path/to/python3 $0"
    exit 2
}

VENV=${VENV:-.venv}
stamp="$VENV/.installed${EXTRAS:-}"
if [ ! -x "$VENV/bin/python" ] || [ ! -e "$stamp" ] || [ pyproject.toml -nt "$stamp" ] || [ constraints.txt -nt "$stamp" ]; then
    python=$(find_python)
    if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
        version=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
        say "neuroeq: $python has no venv module; install it (Debian, Ubuntu: apt install $version-venv) and run $0 again."
        exit 2
    fi
    say "neuroeq: installing into $VENV with $("$python" --version) (a minute or two, once)"
    [ -x "$VENV/bin/python" ] || "$python" -m venv "$VENV"
    "$VENV/bin/python" -W ignore -m pip install --quiet --quiet --disable-pip-version-check -c constraints.txt -e ".${EXTRAS:-}"
    touch "$stamp"
fi
