"""Do the tests see a wrong sign? Small changes to the code, each run against the tests most likely to fail."""

from __future__ import annotations

import argparse
import ast
import compileall
import importlib
import os
import random
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
MODULES = ["neuroeq/learning", "neuroeq/physics/devices", "neuroeq/physics/circuits"]
HEAVY = ["pytest", "numpy", "scipy.sparse.linalg", "sklearn.datasets", "brian2", "h5py", "pydantic", "pint", "typer"]
"""What a run would spend most of its time importing; done once, before the runs are forked."""
CIRCUITS = ["diodes", "solve", "gradient", "power", "wires", "single_diodes", "published", "refused", "layout"]
TESTS = {
    "neuroeq/physics/devices": [f"physics/devices/test_{name}.py" for name in ("laws", "noise", "chip", "fields")],
    "neuroeq/physics/circuits/fused": ["physics/circuits/test_fused.py", "learning/trainers/test_fused_training.py"],
    "neuroeq/physics/circuits/diodes": [
        *(f"physics/circuits/test_{name}.py" for name in ("diodes", "solve", "spice")),
        "additions/test_physics_additions.py",
        "physics/devices/test_fields.py",
    ],
    "neuroeq/physics/circuits/spice": [f"physics/circuits/test_{name}.py" for name in ("spice", "export", "wires")],
    "neuroeq/physics/circuits": [
        *(f"physics/circuits/test_{name}.py" for name in CIRCUITS),
        "physics/substrates/test_resistive.py",
        "physics/substrates/test_crossbar.py",
        "physics/devices/test_fields.py",
    ],
    "neuroeq/learning/rules": ["learning/rules", "learning/test_training.py", "conformance/test_rules.py"],
    "neuroeq/learning/trainers/compiled.py": ["physics/engine/test_compiled.py"],
    "neuroeq/learning/trainers": [
        "learning/trainers",
        "conformance/test_trainers.py",
        "learning/test_training.py",
        "physics/engine/test_compiled.py",
    ],
    "neuroeq/learning": [
        *(f"learning/test_{name}.py" for name in ("steps", "pruning", "training")),
        "learning/rules",
        "runs/test_runs.py",
    ],
}
"""By the start of a path, the first that fits: tests most likely to see a change there."""

SWAPPED = {
    ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult, ast.USub: ast.UAdd,
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "any": "all", "all": "any"}


@dataclass(frozen=True)
class Mutant:
    """Text of a file from one offset to another, and what stands there instead."""

    path: str
    line: int
    start: int
    end: int
    before: str
    after: str

    def __str__(self) -> str:
        before, after = (" ".join(text.split()) for text in (self.before, self.after))
        return f"{self.path}:{self.line}: {before} -> {after}"


def mutants_of(path: str) -> Iterator[Mutant]:
    """Yield every change to a file."""
    text = (ROOT / path).read_text()
    lines = [0]
    for line in text.encode().splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    for node in _code(ast.parse(text)):
        for place, after in _changes(node):
            start, end = lines[place.lineno - 1] + place.col_offset, lines[place.end_lineno - 1] + place.end_col_offset
            before = text.encode()[start:end].decode()
            if before != after:
                yield Mutant(path, place.lineno, start, end, before, after)


def _code(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that compute: no annotations, decorators, messages of errors or f-strings."""
    skipped = {"annotation", "returns", "decorator_list"}
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and name not in skipped and not isinstance(child, ast.Raise | ast.JoinedStr):
                yield child
                yield from _code(child)


def _changes(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Yield what may be changed at a node: the place, and its new text."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPPED:
        ops = [SWAPPED[type(node.ops[0])](), *node.ops[1:]]
        yield node, f"({ast.unparse(ast.Compare(node.left, ops, node.comparators))})"
    elif isinstance(node, ast.BinOp) and type(node.op) in SWAPPED:
        yield node, f"({ast.unparse(ast.BinOp(node.left, SWAPPED[type(node.op)](), node.right))})"
    elif isinstance(node, ast.BoolOp):
        yield node, f"({ast.unparse(ast.BoolOp(SWAPPED[type(node.op)](), node.values))})"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
        yield node, f"({ast.unparse(node.operand)})"
    elif isinstance(node, ast.AugAssign) and type(node.op) in SWAPPED:
        yield node, ast.unparse(ast.AugAssign(node.target, SWAPPED[type(node.op)](), node.value))
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float):
        value = node.value
        yield (
            node,
            repr(not value if isinstance(value, bool) else value + 1 if isinstance(value, int) else value * 1.1 or 1.0),
        )
    elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
        word = node.id if isinstance(node, ast.Name) else node.attr
        if word in NAMES:
            yield node, ast.unparse(node).removesuffix(word) + NAMES[word]
    elif isinstance(node, ast.Return) and node.value is not None:
        yield node, "return None"
    if isinstance(node, ast.If | ast.IfExp) and ast.unparse(node.test) != "TYPE_CHECKING":
        yield node.test, f"(not ({ast.unparse(node.test)}))"


def tests_of(path: str) -> list[str]:
    """Return the tests for a module."""
    return [f"tests/{each}" for each in next(tests for start, tests in TESTS.items() if path.startswith(start))]


def start(copy: Path, tests: list[str], limit: float) -> int:
    """Fork a run of tests in a copy of the project that ends itself after so many CPU seconds; return its process."""
    process = os.fork()
    if process:
        return process
    os.setsid()
    os.chdir(copy)
    sys.path.insert(0, str(copy))
    resource.setrlimit(resource.RLIMIT_CPU, (int(limit), int(limit) + 5))
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.environ["PYTHONPATH"] = str(copy)
    status = 1
    try:
        status = int(importlib.import_module("pytest").main(["-x", "-q", "-p", "no:cacheprovider", "-n", "0", *tests]))
    finally:
        os._exit(status)


def quiet_times(copy: Path, paths: list[str]) -> dict[str, float]:
    """Return the CPU seconds that the tests of every path take where nothing is changed; they must pass."""
    times: dict[str, float] = {}
    for tests in {tuple(tests_of(path)) for path in paths}:
        _, status, used = os.wait4(start(copy, list(tests), 3600), 0)
        if status:
            sys.exit(f"mutants: {' '.join(tests)} fail without any change; mend that first.")
        times[" ".join(tests)] = used.ru_utime + used.ru_stime
        print(f"{' '.join(tests)}: {times[' '.join(tests)]:.0f} s", flush=True)
    return times


def survivors(mutants: list[Mutant], jobs: int) -> list[Mutant]:
    """Run every change, some side by side, and return those that no test saw."""
    copies, running, alive = [_copied() for _ in range(jobs)], {}, []
    times, waiting = quiet_times(copies[0], [each.path for each in mutants]), list(reversed(mutants))
    while waiting or running:
        while waiting and copies:
            mutant, copy = waiting.pop(), copies.pop()
            code = (ROOT / mutant.path).read_bytes()
            (copy / mutant.path).write_bytes(code[: mutant.start] + mutant.after.encode() + code[mutant.end :])
            tests = tests_of(mutant.path)
            running[start(copy, tests, 10 + 5 * times[" ".join(tests)])] = mutant, copy
        process, status = os.wait()
        mutant, copy = running.pop(process)
        shutil.copy2(ROOT / mutant.path, copy / mutant.path)
        copies.append(copy)
        alive += [] if status else [mutant]
        print(f"{'killed  ' if status else 'SURVIVED'} {mutant}", flush=True)
    for copy in copies:
        shutil.rmtree(copy)
    return alive


def _copied() -> Path:
    """Return a copy of the project with compiled modules, which runs read and do not write."""
    copy = Path(tempfile.mkdtemp(prefix="mutants-"))
    for name in ("neuroeq", "models", "hardware_configs", "tests", "docs", "scripts", "pyproject.toml"):
        place = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        place(ROOT / name, copy / name)
    compileall.compile_dir(copy, quiet=2)
    return copy


def main() -> None:
    """Draw some changes, run them, and print which survive."""
    parser = argparse.ArgumentParser(prog="scripts/mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", default=MODULES, help="files or folders; learning, devices and circuits")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args()
    sys.dont_write_bytecode = True
    files = [
        path
        for name in given.modules
        for path in ([ROOT / name] if name.endswith(".py") else ROOT.glob(f"{name}/**/*.py"))
    ]
    every = [mutant for path in sorted(set(files)) for mutant in mutants_of(str(path.relative_to(ROOT)))]
    drawn = sorted(random.Random(given.seed).sample(every, min(given.count, len(every))), key=str)
    for name in HEAVY:
        importlib.import_module(name)
    began = time.monotonic()
    alive = survivors(drawn, given.jobs)
    print(
        f"\n{len(drawn) - len(alive)} of {len(drawn)} changes were seen ({1 - len(alive) / len(drawn):.0%}), "
        f"drawn from {len(every)}, in {time.monotonic() - began:.0f} s. Not seen:",
        *alive,
        sep="\n",
    )


if __name__ == "__main__":
    main()
