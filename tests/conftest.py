"""Tests run in a folder of their own, on the numpy target unless they are about another."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from threadpoolctl import threadpool_limits

os.environ["NEUROEQ_TARGET"] = "numpy"
if os.environ.get("NEUROEQ_DATA"):
    os.environ["NEUROEQ_DATA"] = os.path.abspath(os.environ["NEUROEQ_DATA"])
DATA = Path(__file__).parent / "data"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NEUROEQ_HOME", str(tmp_path / "home"))
    with threadpool_limits(1):
        yield


@pytest.fixture
def compiler():
    """Skip where no C++ code can be compiled."""
    from neuroeq.physics.engine import can_compile

    if not can_compile():
        pytest.skip("no C++ compiler with Python headers")


@pytest.fixture
def mnist():
    """Skip where the files of MNIST are not."""
    folder = os.environ.get("NEUROEQ_DATA")
    if not folder or not (Path(folder) / "mnist").is_dir():
        pytest.skip("MNIST is not here: name the folder that holds 'mnist' with NEUROEQ_DATA")
