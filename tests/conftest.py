"""Tests run in a folder of their own, on the numpy target unless they are about another, and leave nothing behind."""

from __future__ import annotations

import fcntl
import gc
import os
import signal
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path

import pytest
from threadpoolctl import threadpool_limits

os.environ["NEUROEQ_TARGET"] = "numpy"
for each, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(each) is signal.SIG_IGN:  # as nohup has it, and a shell for what it starts in the background
        signal.signal(each, handler)
if os.environ.get("NEUROEQ_DATA"):
    os.environ["NEUROEQ_DATA"] = os.path.abspath(os.environ["NEUROEQ_DATA"])
DATA = Path(__file__).parent / "files"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NEUROEQ_HOME", str(tmp_path / "home"))
    with threadpool_limits(1):
        yield


@pytest.fixture(autouse=True, scope="module")
def _little_to_collect():
    """Brian2 collects garbage before every run, and would look through all that is imported each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _as_it_was():
    """Put back what a test changed for the whole process, so that no test depends on those before it."""
    environment, show, hook = dict(os.environ), warnings.showwarning, sys.excepthook
    on_interrupt = signal.getsignal(signal.SIGINT)
    with _same_registries(), _same_preferences():
        yield
    os.environ.clear()
    os.environ.update(environment)
    warnings.showwarning, sys.excepthook = show, hook
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
    signal.signal(signal.SIGINT, on_interrupt)


@contextmanager
def _same_registries():
    from neuroeq import registry

    tables = [each for each in vars(registry).values() if isinstance(each, registry.Registry)]
    before, loaded = [dict(each._added) for each in tables], set(registry._loaded)
    yield
    for table, parts in zip(tables, before, strict=True):
        table._added = parts
    registry._loaded.clear()
    registry._loaded.update(loaded)


@contextmanager
def _same_preferences():
    """Of Brian2: how equations become code. Every substrate that is built sets it again."""
    brian2 = sys.modules.get("brian2")
    before = brian2 and brian2.prefs.codegen.target
    yield
    if brian2:
        brian2.prefs.codegen.target = before


@pytest.fixture(scope="session")
def once(tmp_path_factory, request):
    """Return a function that gives a folder by its name, filled by the first worker that asks; only to be read."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if hasattr(request.config, "workerinput") else base

    def filled(name, fill):
        folder = base / name
        with (base / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / "filled").exists():
                folder.mkdir(exist_ok=True)
                fill(folder)
                (folder / "filled").touch()
        return folder

    return filled


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
