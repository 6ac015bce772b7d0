"""The house is in order: imports point one way, every part ships, files stay short."""

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "neuroeq"
ORDER = [
    {"errors"},
    {"units"},
    {"spec"},
    {"catalog", "data", "costs", "randomness"},
    {"contract"},
    {"network"},
    {"edges"},
    {"devices"},
    {"engine", "circuits"},
    {"substrates"},
    {"rules", "phases", "stability", "certificate"},
    {"optimiser", "pruning", "particles", "holding", "evaluation", "watch", "energy", "fidelity"},
    {"learner", "compiled"},
    {"training"},
    {"records", "interruption", "probes"},
    {"runs"},
    {"analysis", "export", "checking", "stdp", "transfer"},
    {"comparison"},
    {"plots"},
    {"report"},
    {"cli"},
]
LEVEL = {name: level for level, names in enumerate(ORDER) for name in names}
FILES = sorted(PACKAGE.rglob("*.py"))


def part_of(path):
    parts = path.relative_to(PACKAGE).parts
    return parts[0].removesuffix(".py")


def imported(path):
    """Yield the parts of the package that a file imports, functions included."""
    depth = len(path.relative_to(PACKAGE).parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            if node.level == depth:
                yield from [node.module.split(".")[0]] if node.module else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            assert not any(name.startswith("neuroeq") for name in names), (
                f"{path}: import within the package is relative"
            )


@pytest.mark.parametrize("path", [f for f in FILES if part_of(f) not in ("__init__", "__main__")], ids=str)
def test_imports_point_down(path):
    for other in imported(path):
        if other != part_of(path) and other != "__version__":
            assert LEVEL[other] < LEVEL[part_of(path)], f"{part_of(path)} imports {other}"


def test_only_the_engine_knows_brian_and_only_plots_know_matplotlib():
    for path in FILES:
        names = {
            (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        roots = {name.split(".")[0] for name in names}
        assert "brian2" not in roots or part_of(path) == "engine", path
        assert "matplotlib" not in roots or part_of(path) == "plots", path
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


def test_public_names_exist():
    import neuroeq

    for name in neuroeq.__all__:
        assert getattr(neuroeq, name) is not None
    with pytest.raises(AttributeError, match="module 'neuroeq' has no attribute 'nonsense'"):
        neuroeq.nonsense  # noqa: B018
