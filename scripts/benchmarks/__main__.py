"""`scripts/bench NAME`."""

import subprocess
import sys
from pathlib import Path

from . import circuits, cost, devices, engine, training

BENCHES = {
    "engine": engine.main,
    "circuits": circuits.main,
    "training": training.main,
    "cost": cost.main,
    "devices": devices.main,
}


def main() -> None:
    """Run the benchmarks that are named, or all; `record` and options of pytest-benchmark write benchmark.json."""
    names = sys.argv[1:] or list(BENCHES)
    if names[0] == "record":
        file, options = Path(__file__).with_name("record.py"), ["--benchmark-json", "benchmark.json", *names[1:]]
        sys.exit(subprocess.call([sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", str(file), *options]))
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"bench: no benchmark '{unknown[0]}'. There are: {', '.join(BENCHES)}, record.", file=sys.stderr)
        sys.exit(2)
    for name in names:
        BENCHES[name]()


main()
