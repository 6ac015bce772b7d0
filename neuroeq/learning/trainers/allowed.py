"""Compare a network with the list of settings that a trainer allows.

A list names settings by their path, with ``*`` for the name of a layer, a projection or a substrate, and gives the
values that are allowed. A setting that no list names has to be at its default, so a setting that is added to the schema
later rules a trainer out until its list allows it.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from typing import Any

from neuroeq.describe.spec import Network
from neuroeq.describe.spec.base import Spec

Allowed = Mapping[str, Container[Any]]
TAGS = ("kind", "model")
"""Fields that name the type of a table; if that type is not allowed, its other fields are skipped."""


class Satisfying(Container[Any]):
    """A container of the values that fulfil a condition.

    Parameters
    ----------
    condition
        A function that returns whether a value fulfils the condition.
    """

    def __init__(self, condition: Callable[[Any], bool]) -> None:
        self._condition = condition

    def __contains__(self, value: object) -> bool:
        return self._condition(value)


ANY = Satisfying(lambda _: True)
"""Every value."""
DESCRIPTION = ("schema_version", "name", "title", "source", "notes")
"""Fields of every file that only describe it."""
OF_RUN = ("run.seed", "run.data_dir", "run.start_from", "run.threads")
ASIDE = (*DESCRIPTION, "explained", "data", "record", "expected", "training.patience", *OF_RUN)
"""Fields of a network that no trainer needs to know about."""
OVERLAYS = ("data", "layers", "projections", "phases", "training")
"""Fields of a substrate that override those of the network when it is resolved."""


def any_of(path: str, names: Iterable[str]) -> Allowed:
    """Return a list that allows every value of some fields of a table."""
    return {f"{path}{name}": ANY for name in names}


def disallowed(network: Network, allowed: Allowed) -> Iterator[str]:
    """Yield a sentence for each setting of a resolved network that is not allowed.

    Parameters
    ----------
    network
        The resolved network that is checked.
    allowed
        The values that each setting may have, by its path.
    """
    yield from _in_table(network, allowed, "", "")


def _in_table(table: Spec, allowed: Allowed, path: str, name: str) -> Iterator[str]:
    fields = type(table).model_fields
    for tag in TAGS:
        if f"{path}{tag}" in allowed and getattr(table, tag, None) not in allowed[f"{path}{tag}"]:
            yield f"{name}{tag} is {_text(getattr(table, tag, None))}"
            return
    for key, field in fields.items():
        default = field.get_default(call_default_factory=True)
        yield from _in_value(getattr(table, key), default, allowed, f"{path}{key}", f"{name}{key}")


def _in_value(value: Any, default: Any, allowed: Allowed, path: str, name: str) -> Iterator[str]:
    if path in allowed:
        if value not in allowed[path]:
            yield f"{name} is {_text(value)}"
    elif isinstance(value, Spec) and _goes_deeper(allowed, path):
        yield from _in_table(value, allowed, f"{path}.", f"{name}.")
    elif isinstance(value, Mapping) and _goes_deeper(allowed, path):
        for key, each in value.items():
            yield from _in_value(each, None, allowed, f"{path}.*", f"{name}.{key}")
    elif value != default:
        yield f"{name} is {_text(value)}"


def _goes_deeper(allowed: Allowed, path: str) -> bool:
    return any(key.startswith(f"{path}.") for key in allowed)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:g}"
    return repr(value) if isinstance(value, str) else "set"
