"""Pages of keys: every key of the files that users write, from the descriptions in `neuroeq/describe/spec`.

The meaning of a key is the text of its class's docstring; type, range, unit and default are those of its field. The
pages are written into docs/reference before Sphinx reads it.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from numpydoc.docscrape import NumpyDocString
from pydantic.fields import FieldInfo

from neuroeq.describe.spec import Hardware, Network, NeuronModel, SynapseModel, base
from neuroeq.describe.spec.device import UpdateLaw
from neuroeq.describe.spec.node import Clamp
from neuroeq.describe.spec.programming import Programming
from neuroeq.registry import DIODES, PROGRAMMING, UPDATE_LAWS
from neuroeq.units import KINDS, symbol_of, text_of

Spec = base.Spec
SENSELESS = 1e9
"""Limits from here on only keep numbers finite."""
REQUIRED, NOTHING = "required", "–"
CHOSEN_BY_NAME = {
    UpdateLaw: lambda: [UPDATE_LAWS.get(name) for name in UPDATE_LAWS.ours],
    Programming: lambda: [PROGRAMMING.get(name) for name in PROGRAMMING.ours],
    Clamp: lambda: [DIODES.get(name).fields for name in DIODES.ours],
}
"""Tables whose keys depend on a name in them, with the descriptions that there are."""
PHYSICAL = {
    getattr(base, kind.split()[1].title()).__metadata__[0].func: (kind.split()[1], symbol_of(dimension))
    for kind, dimension in KINDS.items()
    if hasattr(base, kind.split()[1].title())
}
"""By the function that reads a physical value: what it is, and its SI unit."""
PLAIN = {str: "text", int: "whole number", float: "number", bool: "`true` or `false`", Any: "anything"}
ABOVE_FILES = {NeuronModel: "models.md", SynapseModel: "models.md", Hardware: "hardware.md"}
"""Descriptions that are files of their own, and their pages."""
PAGES = {
    "network": ("Keys of network files", {"network": Network}),
    "models": ("Keys of model files", {"neuron": NeuronModel, "synapse": SynapseModel}),
    "hardware": ("Keys of hardware files", {"hardware": Hardware}),
}
INTRODUCTION = """
This page is made from the code. A key stands with the tables that it is in, as `--set` takes it, and NAME is for a name
of your own. Values with a unit are texts such as `"10 ms"`, with any prefix. "–" as a default means that nothing is
set.
"""


class Key(NamedTuple):
    """A row of a table: a key of a file."""

    path: str
    type: str
    unit: str
    default: str
    meaning: str


class Table(NamedTuple):
    """A table of a file, such as [data]: where it stands, and its description."""

    path: str
    spec: type[Spec]
    chosen: str = ""


def tables(path: str, spec: type[Spec], chosen: str = "") -> Iterator[Table]:
    """Yield a table and those within it, but no files of their own."""
    yield Table(path, spec, chosen)
    for name, field in spec.model_fields.items():
        within = dotted(path, field.alias or name) + (".NAME" if get_origin(field.annotation) is dict else "")
        inner = [each for each in specs(field.annotation) if each not in ABOVE_FILES]
        for each in inner:
            yield from tables(within, each, choice(each) if len(inner) > 1 else "")


def dotted(path: str, name: str) -> str:
    """Return the path of a key in a table."""
    return f"{path}.{name}" if path else name


def specs(annotation: Any) -> list[type[Spec]]:
    """Return the descriptions that an annotation allows."""
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return CHOSEN_BY_NAME[annotation]() if annotation in CHOSEN_BY_NAME else [annotation]
    return list(dict.fromkeys(spec for argument in get_args(annotation) for spec in specs(argument)))


def choice(spec: type[Spec]) -> str:
    """Return the key and the value that choose one of several descriptions, such as ``kind = "sign"``."""
    fields = spec.model_fields.items()
    name, field = next((name, field) for name, field in fields if get_origin(field.annotation) is Literal)
    return f'{name} = "{get_args(field.annotation)[0]}"'


def keys(table: Table) -> Iterator[Key]:
    """Yield the keys of a table."""
    meanings = meanings_of(table.spec)
    for name, field in table.spec.model_fields.items():
        meaning, unit = meanings.get(field.alias or name) or meanings.get(name) or only_choice(table.spec, name, field)
        quantity = PHYSICAL.get(reader(field.annotation, field.metadata))
        unit = quantity[1] if quantity else unit
        path = dotted(table.path, field.alias or name)
        yield Key(path, type_of(field.annotation, field.metadata), unit, default_of(field, unit, quantity), meaning)


def only_choice(spec: type[Spec], name: str, field: FieldInfo) -> tuple[str, str]:
    """Return the meaning of a key without a description: one that chooses this table."""
    if len(get_args(field.annotation)) != 1 or get_origin(field.annotation) is not Literal:
        raise LookupError(f"{spec.__module__}.{spec.__name__}: describe {name} under Parameters in its docstring")
    return "Chooses this table.", ""


def meanings_of(spec: type[Spec]) -> dict[str, tuple[str, str]]:
    """Return the meaning and the unit of each key, from the docstrings of a class and those it is derived from."""
    found = {}
    for each in reversed(spec.__mro__):
        for names, _, lines in NumpyDocString(inspect.getdoc(each) if issubclass(each, Spec) else "")["Parameters"]:
            text, _, unit = " ".join(lines).partition(" [")
            whole, bracket = " ".join(lines), unit.endswith("]") and "[" not in unit
            for name in names.split(", "):
                found[name] = (text, unit[:-1]) if bracket else (whole, "")
    return found


def flat(metadata: Any) -> list[Any]:
    """Return what is said of an annotation, without the wrappers of pydantic."""
    return [one for each in metadata for one in (each.metadata if isinstance(each, FieldInfo) else [each])]


def reader(annotation: Any, metadata: Any) -> Any:
    """Return the function that reads values, of a union that of its first part that has one."""
    own = [each.func for each in flat(metadata) if getattr(each, "func", None) in PHYSICAL]
    if own or not is_union(annotation):
        return own[0] if own else None
    inner = (reader(part, part.__metadata__) for part in get_args(annotation) if hasattr(part, "__metadata__"))
    return next((each for each in inner if each), None)


def is_union(annotation: Any) -> bool:
    """Whether an annotation allows several types."""
    return get_origin(annotation) in (Union, types.UnionType)


def type_of(annotation: Any, metadata: Any = ()) -> str:
    """Return what is allowed, in words."""
    if hasattr(annotation, "__metadata__"):
        return type_of(annotation.__origin__, [*annotation.__metadata__, *metadata])
    origin, arguments = get_origin(annotation), get_args(annotation)
    if is_union(annotation):
        parts = [type_of(each, metadata) for each in arguments if each is not type(None)]
        return " or ".join(dict.fromkeys(parts))
    if origin is Literal:
        return ", ".join(f'`"{each}"`' if isinstance(each, str) else f"`{each}`" for each in arguments)
    if origin is tuple:
        return f"list{'' if arguments[-1] is Ellipsis else f' of {len(arguments)}'}, each {type_of(arguments[0])}"
    if origin is dict:
        return "table of tables" if specs(arguments[1]) else f"table, each {type_of(arguments[1])}"
    if annotation in ABOVE_FILES:
        return f"[a file's keys]({ABOVE_FILES[annotation]})"
    if specs(annotation):
        return "table"
    quantity = PHYSICAL.get(reader(annotation, metadata))
    return (quantity[0] if quantity else PLAIN[annotation]) + limits(flat(metadata))


def limits(metadata: list[Any]) -> str:
    """Return the range of a number, such as ``, above 0``."""
    lows = [(each.gt, "above ") for each in metadata if isinstance(each, Gt)]
    lows += [(each.ge, "from ") for each in metadata if isinstance(each, Ge)]
    highs = [(each.lt, "below ") for each in metadata if isinstance(each, Lt)]
    highs += [(each.le, "up to ") for each in metadata if isinstance(each, Le)]
    highs = [each for each in highs if each[0] < SENSELESS]
    ends = [max(lows)] if lows else []
    ends += [min(highs)] if highs else []
    return "".join(f", {word}{end:.10g}" for end, word in ends)


def default_of(field: FieldInfo, unit: str, quantity: object) -> str:
    """Return the default as a file would say it."""
    value = field.default
    if field.is_required():
        return REQUIRED
    if isinstance(value, Spec):
        name = next(
            (value.model_dump()[key] for key in ("kind", "model", "scheme") if key in type(value).model_fields), ""
        )
        return f'`"{name}"`' if name else "its defaults"
    if value is None or value in ("", (), {}):
        return NOTHING
    if quantity:
        return f'`"{text_of(value, unit)}"`'
    if isinstance(value, str):
        return f'`"{value}"`'
    return (
        f"`{str(value).lower()}`"
        if isinstance(value, bool)
        else f"`{list(value) if isinstance(value, tuple) else value}`"
    )


def page(title: str, roots: dict[str, type[Spec]]) -> str:
    """Return a page as Markdown."""
    lines = [f"# {title}", INTRODUCTION]
    for root, spec in roots.items():
        for table in tables("", spec):
            lines += section(table, f"{root.title()} files" if len(roots) > 1 else "The file itself")
    return "\n".join(lines)


def section(table: Table, root: str) -> list[str]:
    """Return the part of a page about one table."""
    doc = NumpyDocString(inspect.getdoc(table.spec))
    about = " ".join([*doc["Summary"], *doc["Extended Summary"]])
    several = table.path in ("expected", "evidence", "plasticity")
    name = f"[[{table.path}]]" if several else f"[{table.path}]"
    title = f"`{name}`" + (f" with `{table.chosen}`" if table.chosen else "") if table.path else root
    rows = [f"| {' | '.join(cell(each) for each in row)} |" for row in (key_row(key) for key in keys(table))]
    return [
        f"## {title}\n",
        f"{about}\n",
        "| key | type | unit | default | meaning |",
        "|---|---|---|---|---|",
        *rows,
        "",
    ]


def key_row(key: Key) -> tuple[str, ...]:
    """Return the cells of a row."""
    return (f"`{key.path}`", key.type, key.unit, key.default, key.meaning)


def cell(text: str) -> str:
    """Return text as a cell of a Markdown table; outside code, asterisks are no emphasis."""
    parts = re.split("(`+[^`]*`+)", text.replace("|", "\\|"))
    return "".join(part if part.startswith("`") else part.replace("*", "\\*") for part in parts)


def write(_: object = None) -> None:
    """Write the pages, if they have changed."""
    for name, (title, roots) in PAGES.items():
        path, text = Path(__file__).parent / "reference" / f"{name}.md", page(title, roots)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def setup(app: Any) -> dict[str, bool]:
    """Write the pages before Sphinx looks for them."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True}
