"""TOML tables: reading them, laying one over another, and changing them by ``KEY=VALUE``."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from neuroeq.errors import SpecError

Table = dict[str, Any]


def read(path: Path) -> Table:
    """Read a TOML file.

    Raises
    ------
    SpecError
        If the file is missing or malformed; the message names the line.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SpecError(f"{path}: cannot be read ({error.strerror}).") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: is not valid TOML; {error}.") from None


def overlay(base: Table, over: Table) -> Table:
    """Lay one table over another: tables are merged, and any other value is replaced.

    >>> overlay({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}})
    {'a': {'b': 1, 'c': 3}}
    """
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        both = isinstance(below, dict) and isinstance(value, dict)
        merged[key] = overlay(below, value) if both else value  # type: ignore[arg-type]
    return merged


def setting(text: str) -> Table:
    """Turn ``KEY.PATH=VALUE`` into a table; the value is read as TOML, or else as a plain word.

    >>> setting("phases.beta=0.5")
    {'phases': {'beta': 0.5}}

    Raises
    ------
    SpecError
        If the text has no ``=`` or an empty key.
    """
    path, equals, value = text.partition("=")
    keys = [key.strip() for key in path.split(".")]
    if not equals or not all(keys):
        raise SpecError(f"--set {text}: expected KEY=VALUE with a dotted key, such as phases.beta=0.5.")
    table: Any = _value(value.strip())
    for key in reversed(keys):
        table = {key: table}
    return table


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
