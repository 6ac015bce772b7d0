"""The gate for code in files, for whole statements and equations: their structure, with expressions written anew.

statement   name = expression,   and += -= *= /=
equation    dname/dt = expression : unit (flags),   name = expression : unit (flags),   name : unit (flags)
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from neuroeq.errors import given

from .complexity import Cost, check_constants, cost_of
from .expressions import code_lines, identifier, names_in, parsed, rendered

FLAGS = (
    "clock-driven",
    "constant",
    "constant over dt",
    "event-driven",
    "shared",
    "summed",
    "unless refractory",
)
"""The flags of Brian2 that an equation can have."""
ASSIGNMENTS = ("=", "+=", "-=", "*=", "/=")

_STATEMENT = re.compile(r"(\w+) ?([^\w =()]*=)(?!=)(.*)")
_DEFINED = re.compile(r"d ?(?P<state>\w+) ?/ ?dt|(?P<name>\w+)")
_AFTER = re.compile(r"(?P<unit>[^()]*?) ?(?:\((?P<flags>[^()]*)\))?")
_FACTOR = r"[A-Za-z][A-Za-z0-9]*(?:\s*\*\*\s*-?\d(?:\.\d{1,3})?)?"
_UNIT = re.compile(rf"(?:1|{_FACTOR})(?:\s*[*/]\s*{_FACTOR}){{0,9}}")


@dataclass(frozen=True)
class Line:
    """An equation that passed.

    Parameters
    ----------
    name
        The name that it defines.
    text
        The equation as it is rendered from its tree.
    tree
        The tree of its right side; None for a variable that is stored only.
    derived
        Whether the name stands for the right side itself, and not for its integral.
    """

    name: str
    text: str
    tree: ast.expr | None = None
    derived: bool = False


def statements(text: str) -> str:
    r"""Return statements as they are rendered from their trees, one a line.

    >>> statements("v -= V_T  # soft\nn = (n+1)")
    'v -= V_T\nn = n + 1'

    Raises
    ------
    ValueError
        If one is no assignment, or holds anything that expressions may not.
    """
    lines = [part.strip() for line in code_lines(text) for part in line.split(";")]
    return "\n".join(_statement(line) for line in lines if line)


def equations(text: str) -> str:
    r"""Return equations as they are rendered from their trees, one a line.

    >>> equations("ds/dt = (drive -s) /tau:1 # leak\nn :1(shared)")
    'ds/dt = (drive - s)/tau : 1\nn : 1 (shared)'

    Raises
    ------
    ValueError
        If they are none, define a name twice, refer to themselves, or hold anything that expressions may not.
    """
    lines = defined(text)
    _check_costs(lines)
    return "\n".join(line.text for line in lines.values())


def defined(text: str) -> dict[str, Line]:
    """Return the equations of a text by the name that each defines.

    Raises
    ------
    ValueError
        If they are none, define a name twice, or hold anything that expressions may not.
    """
    lines: dict[str, Line] = {}
    for equation in _whole(code_lines(text)):
        line = _equation(equation)
        if line.name in lines:
            raise ValueError(f"define '{line.name}' twice; leave out one of its lines")
        lines[line.name] = line
    return lines


def _whole(lines: list[str]) -> Iterator[str]:
    """Yield equations whole: one that has no unit yet goes on in the next line."""
    begun = ""
    for line in filter(None, lines):
        begun = f"{begun} {line}".strip()
        if ":" in line:
            yield begun
            begun = ""
    if begun:
        yield begun


def _statement(line: str) -> str:
    match = _STATEMENT.fullmatch(line)
    if match is None:
        raise ValueError(f"has {given(line)}, which does not parse; expected 'name = value'")
    name, assignment, value = match.groups()
    if assignment not in ASSIGNMENTS:
        raise ValueError(f"has {given(line)}; expected one of {' '.join(ASSIGNMENTS)} after the name")
    try:
        identifier(name)
        tree = parsed(value)
        check_constants(tree)
        return f"{name} {assignment} {rendered(tree)}"
    except ValueError as error:
        raise ValueError(f"has {given(line)}, which {error}") from None


def _equation(line: str) -> Line:
    """Return an equation of one line.

    Raises
    ------
    ValueError
        If it is none.
    """
    left, _, right = line.partition(":")
    defined, equals, value = (part.strip() for part in left.partition("="))
    head, after = _DEFINED.fullmatch(defined), _AFTER.fullmatch(right.strip())
    if head is None or after is None or bool(head["state"]) > bool(equals):
        raise ValueError(
            f"do not parse at {given(line)}; expected lines such as 'dx/dt = -x/tau : 1', 'y = 2*x : volt' or 'z : 1'"
        )
    try:
        name = identifier(head["state"] or head["name"])
        ending = f": {_unit(after['unit'])}{_flags(after['flags'])}"
        if not equals:
            return Line(name, f"{name} {ending}")
        tree = parsed(value)
        check_constants(tree)
        left = f"d{name}/dt" if head["state"] else name
        return Line(name, f"{left} = {rendered(tree)} {ending}", tree, derived=not head["state"])
    except ValueError as error:
        raise ValueError(f"do not parse at {given(line)}, which {error}") from None


def _unit(text: str) -> str:
    if not _UNIT.fullmatch(text):
        raise ValueError(f"has the unit {given(text)}; expected 1, or units such as volt or amp/metre**2")
    return re.sub(r"\s", "", text)


def _flags(text: str | None) -> str:
    if text is None:
        return ""
    flags = [" ".join(flag.split()) for flag in text.split(",")]
    for flag in flags:
        if flag not in FLAGS:
            raise ValueError(f"has the flag {given(flag)}; expected one of {', '.join(FLAGS)}")
    return f" ({', '.join(flags)})"


def _check_costs(lines: Mapping[str, Line]) -> None:
    """Measure each line with those that it refers to put in.

    Raises
    ------
    ValueError
        If lines refer to themselves, or one is too large.
    """
    computed = {name: line.tree for name, line in lines.items() if line.derived and line.tree is not None}
    references = {name: names_in(tree) & computed.keys() for name, tree in computed.items()}
    costs: dict[str, Cost] = {}
    try:
        order = [*TopologicalSorter(references).static_order()]
    except CycleError as error:
        circle = " and ".join(dict.fromkeys(error.args[1]))
        raise ValueError(f"define {circle} by themselves; break the circle") from None
    for name in (*order, *(name for name in lines if name not in computed)):
        tree = lines[name].tree
        try:
            costs[name] = Cost() if tree is None else cost_of(tree, {k: costs[k] for k in order if k in costs})
        except ValueError as error:
            raise ValueError(f"define '{name}', which {error}") from None
