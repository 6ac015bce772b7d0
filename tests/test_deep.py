"""The script of the paper on complete directed graphs runs, and finds what it says."""

import os
import re
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parent.parent / "scripts" / "deep_2020.py"


def test_the_quick_script_finds_every_gate_and_fewer_edges():
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--quick"],
        env={**os.environ, "NEUROEQ_TARGET": "numpy"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    for gate in ("AND", "OR", "NOT", "ID"):
        assert re.search(rf"^{gate} +100%", done.stdout, re.MULTILINE), done.stdout
    for coding in ("one-hot", "scalar"):
        assert re.search(rf"^{coding} +\d+% +\d+%$", done.stdout, re.MULTILINE), done.stdout
    edges = [float(left) for left in re.findall(r"^\d+ +(\d+\.\d) +\d", done.stdout, re.MULTILINE)]
    assert len(edges) == 4 and edges[-1] < edges[0] <= 20
