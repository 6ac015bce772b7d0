"""What non-idealities are known to do comes out of the circuits, script by script."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = {path.name: path for path in sorted((ROOT / "scripts" / "hardware").glob("[!_]*.py"))}


def run(name, *options):
    command = [sys.executable, "-W", "ignore::UserWarning", str(SCRIPTS[name]), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=3600)


@pytest.mark.reproduction
@pytest.mark.parametrize("name", SCRIPTS)
def test_an_effect_comes_out(name):
    done = run(name, "--quick")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("Held here: ")


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_an_effect_comes_out_in_full(name):
    done = run(name)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_on_hardware_lists_every_script():
    page = (ROOT / "docs" / "hardware.md").read_text()
    for name in SCRIPTS:
        assert f"`scripts/hardware/{name}`" in page
