"""The scripts say what is missing, and the demo ends with figures on a machine without a compiler."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(script, folder, **env):
    """Run a script of a copy of the project with nothing but `env`."""
    return subprocess.run(
        ["/bin/sh", str(folder / "scripts" / script)], env=env, cwd=folder, capture_output=True, text=True, timeout=1200
    )


@pytest.fixture
def copy(tmp_path):
    """The project's scripts, in a folder of their own."""
    folder = tmp_path / "project"
    shutil.copytree(ROOT / "scripts", folder / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    return folder


def program(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{content}\n")
    path.chmod(0o755)
    return path


def tools(folder):
    """A PATH with what every Debian has, and no Python or compiler."""
    folder.mkdir()
    for name in ("dirname", "rm", "touch", "uname", "cat"):
        (folder / name).symlink_to(shutil.which(name))
    return folder


def test_a_machine_without_python_is_told_what_to_install(copy, tmp_path):
    done = run("demo", copy, PATH=str(tools(tmp_path / "bin")))
    assert done.returncode == 2 and done.stdout == ""
    assert "no Python 3.11 or newer found" in done.stderr and "apt install python3 python3-venv" in done.stderr


def test_an_old_python_is_not_taken(copy, tmp_path):
    old = program(tmp_path, "python3", "exit 1")
    done = run("demo", copy, PATH=str(tools(tmp_path / "bin")), PYTHON=str(old))
    assert done.returncode == 2 and f"looked for {old}" in done.stderr


def test_a_python_without_venv_is_told_which_package_to_install(copy, tmp_path):
    bare = program(tmp_path, "python3", f'case "$2" in *ensurepip*) exit 1;; *) exec {sys.executable} "$@";; esac')
    done = run("test", copy, PATH=str(tools(tmp_path / "bin")), PYTHON=str(bare))
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    assert done.returncode == 2
    assert f"no venv module; install it (Debian, Ubuntu: apt install {version}-venv) and run" in done.stderr


@pytest.mark.reproduction
def test_the_demo_works_without_a_compiler_and_says_once_that_it_is_slower(copy, tmp_path):
    """In the environment of the tests, which stands for the one it would make."""
    for name in ("bin/python", "bin/neuroeq"):
        tool = Path(name).name
        command = f'exec {sys.executable} {"-m neuroeq " if tool == "neuroeq" else ""}"$@"'
        program(copy / ".venv", name, command)
    (copy / ".venv" / ".installed[fast]").touch()
    home = {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "NEUROEQ_TARGET": ""}
    done = run("demo", copy, PATH=str(tools(tmp_path / "bin")), **home)
    assert done.returncode == 0, done.stderr
    assert "test accuracy" in done.stdout and "runs/demo/figures/raster.png" in done.stdout
    assert done.stderr.count("no C++ compiler") == 1
    assert (copy / "runs/demo/figures/raster.png").stat().st_size > 10_000


def test_a_benchmark_that_is_not_there_is_one_sentence():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "engin"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "scripts")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and "no benchmark 'engin'. There are: " in done.stderr
