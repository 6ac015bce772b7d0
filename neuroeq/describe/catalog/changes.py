"""Changes that users make to a network: ``"KEY=VALUE"``, or tables that are laid over the network's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from neuroeq.errors import SpecError, given

from ..spec import setting
from ..spec.files import Table

TABLES = (
    "substrate.*",
    "projections",
    "hardware.neuron.nonlinearity",
    "hardware.synapse.programming",
    "hardware.periphery",
    "hardware.array",
)
"""What is read as tables before the network is validated; ``*`` stands for any key."""


def as_change(change: str | Table) -> Table:
    """Return a change as a table, also one that is written as ``KEY=VALUE``.

    Raises
    ------
    SpecError
        If it is neither, or gives a value where the network has a table.
    """
    table = setting(change) if isinstance(change, str) else change
    if not isinstance(table, dict):
        raise SpecError(f"a change is a {type(change).__name__}; expected 'KEY=VALUE' or a table.")
    for path in TABLES:
        for place, value in _other_than_tables(table, path.split(".")):
            raise SpecError(f"--set {place}: is {given(value)}, but {place} is a table; change keys of it, one by one.")
    return table


def _other_than_tables(value: Any, keys: Sequence[str], at: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yield what stands in the place of tables, along a path of keys."""
    if not isinstance(value, dict):
        yield ".".join(at), value
        return
    for name in value if keys and keys[0] == "*" else [key for key in keys[:1] if key in value]:
        yield from _other_than_tables(value[name], keys[1:], (*at, name))
