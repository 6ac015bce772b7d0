"""Wheel and sdist carry everything: built, installed elsewhere, and used there."""

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHIPPED = sorted(
    str(path.relative_to(ROOT)) for folder in ("models", "hardware_configs") for path in (ROOT / folder).rglob("*.toml")
)
CONSUMER = """
import numpy as np
import neuroeq as ne

net = ne.load_network("xor")
run = ne.train(net, substrate="rate", seed=0, keep=False)
error: float | None = run.test_error
classes: np.ndarray = run.predict([[0.0, 1.0]])
ne.plots.raster(run)
reveal_type(net.phases.beta)
reveal_type(run.params)
"""
pytestmark = [pytest.mark.packaging, pytest.mark.reproduction]


def run(*words, cwd, status=0):
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run([str(word) for word in words], cwd=cwd, env=env, capture_output=True, text=True)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Folder with the sdist, and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--outdir", folder, ROOT], capture_output=True, text=True, cwd=folder
    )
    if done.returncode and ("No matching distribution" in done.stdout or "Connection" in done.stdout):
        pytest.skip("setuptools cannot be fetched here, and a build environment needs it")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_sdist_and_wheel_carry_every_model(built):
    (sdist,), (wheel,) = built.glob("*.tar.gz"), built.glob("*.whl")
    with tarfile.open(sdist) as archive:
        in_sdist = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    in_wheel = set(zipfile.ZipFile(wheel).namelist())
    assert SHIPPED
    assert in_sdist.issuperset([*SHIPPED, "LICENSE", "README.md"])
    assert in_wheel.issuperset(f"neuroeq/{name}" for name in SHIPPED)
    assert "neuroeq/py.typed" in in_wheel
    assert not any(name.startswith(("tests", "scripts")) for name in in_wheel)


def test_the_wheel_works_in_a_fresh_environment_and_a_users_mypy_sees_its_types(built, tmp_path):
    (wheel,) = built.glob("*.whl")
    venv.create(tmp_path / "env", with_pip=True)
    tool = tmp_path / "env" / "bin"
    run(tool / "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", wheel, cwd=tmp_path)
    listed = run(tool / "neuroeq", "list", "networks", cwd=tmp_path)
    assert "digits" in listed and "xor" in listed
    shown = run(tool / "neuroeq", "run", "xor", "--epochs", 2, "--target", "numpy", "--quiet", "--json", cwd=tmp_path)
    assert '"network": "xor"' in shown
    where = run(tool / "python", "-c", "import neuroeq; print(neuroeq.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(tmp_path)
    (tmp_path / "mine.py").write_text(CONSUMER)
    mypy = [sys.executable, "-m", "mypy", "--strict", "--python-executable", tool / "python", "mine.py"]
    seen = run(*mypy, cwd=tmp_path).replace("builtins.", "")
    assert 'Revealed type is "float"' in seen and 'Revealed type is "dict[str, ' in seen
    (tmp_path / "mine.py").write_text(CONSUMER + "run.test_error.strip()\nne.load_network(3)\n")
    seen = run(*mypy, cwd=tmp_path, status=1)
    assert 'incompatible type "int"' in seen and 'no attribute "strip"' in seen
