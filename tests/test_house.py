"""The house is in order: imports point one way, every part ships, files stay short."""

import ast
import sys
import tomllib
from importlib import import_module

import pytest

from neuroeq.moved import MOVED
from tests.house import (
    FILES,
    LEVEL,
    PACKAGE,
    ROOT,
    WINGS,
    body_lines,
    circle,
    functions,
    imported,
    parameter_docs,
    part_of,
)

LONG = {
    "cli/evaluation.py: evaluate": "it has a line for each of its options, and another one that passes it on",
    "cli/run.py: run": "it has a line for each of its options, and another one that passes it on",
}
"""Functions of more than 45 lines without their docstrings, at most ten, each with its reason."""


@pytest.mark.parametrize("path", [f for f in FILES if f.parent != PACKAGE or f.stem in WINGS], ids=str)
def test_a_wing_imports_only_what_stands_above_it(path):
    own = part_of(path)
    for module, dots in imported(path):
        other = module[1] if len(module) > 1 else None
        if other == own:
            assert dots, f"{path}: import within a wing is relative"
        elif other is not None:
            assert not dots, f"{path}: import from another wing starts with neuroeq"
            assert LEVEL[other] < LEVEL[own], f"{path}: {own} imports {other}"


def test_no_modules_import_each_other_in_a_circle():
    assert not circle(), " imports ".join(map(".".join, circle()))


@pytest.mark.parametrize("wing", [wing for wing in WINGS if (PACKAGE / wing).is_dir()])
def test_the_face_of_a_wing_says_what_it_may_import(wing):
    face = ast.get_docstring(ast.parse((PACKAGE / wing / "__init__.py").read_text()))
    assert "May import" in face and len(face.splitlines()) <= 5


def test_only_the_engine_knows_brian_and_only_plots_know_matplotlib():
    for path in FILES:
        names = {
            (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        roots = {name.split(".")[0] for name in names}
        assert "brian2" not in roots or "engine" in path.parts, path
        assert "matplotlib" not in roots or "plots" in path.parts, path
        assert "pint" not in roots or part_of(path) == "units", path


def test_every_package_ships():
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    found = {".".join(("neuroeq", *path.parent.relative_to(PACKAGE).parts)) for path in PACKAGE.rglob("__init__.py")}
    found |= {"neuroeq.models", "neuroeq.hardware_configs"}
    found |= {
        f"neuroeq.models.{path.name}" for path in (ROOT / "models").iterdir() if path.is_dir() and path.name[0] != "_"
    }
    assert listed == found


def test_files_stay_short():
    for path in FILES:
        assert path.read_text().count("\n") <= 330, path


def test_linters_are_pinned_once_and_run_in_pre_commit():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["dev"]
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    for tool in ("ruff", "mypy"):
        assert any(name.startswith(f"{tool}==") for name in extras)
        assert f"entry: {tool}" in hooks


def test_versions_agree():
    import neuroeq

    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == neuroeq.__version__


@pytest.mark.parametrize("old", MOVED)
def test_a_module_still_has_its_old_name_and_says_the_new_one(old, monkeypatch):
    monkeypatch.delitem(sys.modules, f"neuroeq.{old}", raising=False)
    with pytest.warns(DeprecationWarning, match=f"neuroeq.{old} is now neuroeq.{MOVED[old]}"):
        module = import_module(f"neuroeq.{old}")
    assert module is import_module(f"neuroeq.{MOVED[old]}")
    assert module.__spec__.name == module.__name__ == f"neuroeq.{MOVED[old]}"


def test_public_names_exist():
    import neuroeq

    for name in neuroeq.__all__:
        assert getattr(neuroeq, name) is not None
    with pytest.raises(AttributeError, match="No neuroeq attribute nonsense"):
        neuroeq.nonsense  # noqa: B018


def test_no_function_is_long_without_a_reason():
    long = {
        f"{path.relative_to(PACKAGE)}: {name}" for path in FILES for name, f in functions(path) if body_lines(f) > 45
    }
    assert long == set(LONG)
    assert len(LONG) <= 10


def test_parameters_are_described_in_more_than_three_words():
    assert not [f"{path}: {name}" for path in FILES for name, words in parameter_docs(path) if len(words) <= 3]
