"""The house is in order: imports point one way, every part ships, files stay short."""

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "neuroeq"
WINGS = ["errors", "units", "randomness", "registry", "contract", "describe", "data", "physics", "learning", "measures"]
WINGS += ["runs", "show", "cli"]
LEVEL = {name: level for level, name in enumerate(WINGS)}
FILES = sorted(PACKAGE.rglob("*.py"))


def part_of(path):
    parts = path.relative_to(PACKAGE).parts
    return parts[0].removesuffix(".py")


def module_of(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


def imported(path):
    """Yield the modules of the package that a file imports, functions included, and the dots before each."""
    here = module_of(path)
    package = here if path.name == "__init__.py" else here[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((tuple(alias.name.split(".")), 0) for alias in node.names if alias.name.startswith("neuroeq"))
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            base = (*base, *(node.module or "").split(".")) if node.module else base
            if base[0] == "neuroeq":
                yield from (
                    ((*base, alias.name) if is_module(*base, alias.name) else base, node.level) for alias in node.names
                )


def is_module(*parts):
    place = PACKAGE.parent.joinpath(*parts)
    return place.with_suffix(".py").exists() or (place / "__init__.py").exists()


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
    arrows = {module_of(path): {module for module, _ in imported(path)} for path in FILES}
    done, open_ = set(), []

    def visit(module):
        assert module not in open_, " imports ".join(".".join(each) for each in [*open_[open_.index(module) :], module])
        if module in done or module not in arrows:
            return
        open_.append(module)
        for other in sorted(arrows[module] - {module}):
            visit(other)
        open_.pop()
        done.add(module)

    for module in sorted(arrows):
        visit(module)


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


def test_public_names_exist():
    import neuroeq

    for name in neuroeq.__all__:
        assert getattr(neuroeq, name) is not None
    with pytest.raises(AttributeError, match="No neuroeq attribute nonsense"):
        neuroeq.nonsense  # noqa: B018
