"""The house as its imports show it: `python -m tests.house` prints every wing and the wings that it imports."""

import ast
from pathlib import Path

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


def wings_imported(wing):
    """Return the other wings that a wing imports, in their order."""
    files = [path for path in FILES if part_of(path) == wing]
    others = {module[1] for path in files for module, _ in imported(path) if len(module) > 1}
    return [other for other in WINGS if other in others - {wing}]


def circle():
    """Return modules that import each other in a circle, or an empty list."""
    arrows = {module_of(path): {module for module, _ in imported(path)} for path in FILES}
    done, open_ = set(), []

    def visit(module):
        if module in open_:
            return [*open_[open_.index(module) :], module]
        if module in done or module not in arrows:
            return []
        open_.append(module)
        for other in sorted(arrows[module] - {module}):
            if found := visit(other):
                return found
        open_.pop()
        done.add(module)
        return []

    return next((found for module in sorted(arrows) if (found := visit(module))), [])


SECTIONS = ("Returns", "Raises", "Attributes", "References", "Examples", "Yields", "Notes")


def functions(path):
    """Yield the functions of a file with their names, methods as Class.method."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef):
                    yield f"{node.name}.{inner.name}", inner
        elif isinstance(node, ast.FunctionDef):
            yield node.name, node


def body_lines(function):
    first = function.body[0]
    start = function.lineno
    documented = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    doc = first.end_lineno - first.lineno + 1 if documented else 0
    return function.end_lineno - start + 1 - doc


def parameter_docs(path):
    """Yield the name and the text of every parameter that a docstring of a file describes."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module):
            continue
        lines = (ast.get_docstring(node) or "").splitlines()
        if "Parameters" not in lines:
            continue
        name, words = None, []
        for line in lines[lines.index("Parameters") + 2 :]:
            if line and not line.startswith(" "):
                if name:
                    yield name, words
                if set(line) == {"-"} or line in SECTIONS:
                    name = None
                    break
                name, words = line, []
            else:
                words = [*words, *line.split()]
        if name:
            yield name, words


if __name__ == "__main__":
    for wing in WINGS:
        print(f"{wing:<11}", *(wings_imported(wing) or ["-"]))
    print("a circle: " + " imports ".join(map(".".join, circle())) if circle() else "no circle")
