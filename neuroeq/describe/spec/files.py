"""TOML tables: reading them, laying one over another, and changing them by ``KEY=VALUE``."""

from __future__ import annotations

import tomllib
import unicodedata
from pathlib import Path
from typing import Any

from neuroeq.errors import SpecError, given

Table = dict[str, Any]
LARGEST = 10_000_000
"""The largest size of a file. [bytes]"""
DEEPEST = 20
"""The largest number of tables and lists inside each other."""
DOTS = 200
"""The largest number of dots in a key; the time that it takes to read one grows with their square."""

OF_KINDS = {("training", "schedule"), ("training", "step")}
"""Tables whose ``kind`` says which other keys they have, and the tables that they stand in."""


def read(path: Path) -> Table:
    """Read a TOML file.

    Raises
    ------
    SpecError
        If the file is missing, too large, malformed, nested too deep, or holds control characters; the message names
        the line where it can.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise SpecError(f"{path}: cannot be read ({error.strerror}).") from None
    if len(content) > LARGEST:
        raise SpecError(f"{path}: is larger than {LARGEST // 1_000_000} MB; a file that describes something is not.")
    try:
        return parsed(content.decode("utf-8-sig"))
    except SpecError as error:
        raise SpecError(f"{path}: {error}") from None
    except UnicodeDecodeError as error:
        raise SpecError(f"{path}: is not UTF-8 text (byte {error.start}); save it in that encoding.") from None


def parsed(text: str) -> Table:
    """Return the table that TOML text stands for.

    Raises
    ------
    SpecError
        If it is malformed, nested too deep, or holds control characters other than line ends and tabs.
    """
    try:
        if any(line.partition("=")[0].count(".") > DOTS for line in text.splitlines()):
            raise RecursionError
        table = tomllib.loads(text)
        _check(table, "", 0)
    except RecursionError:
        raise SpecError(f"is nested too deep; expected {DEEPEST} tables and lists inside each other at most.") from None
    except ValueError as error:
        raise SpecError(f"is not valid TOML; {error}.") from None
    return table


def _check(value: Any, where: str, depth: int) -> None:
    """Refuse what is nested too deep, and control characters in keys and strings."""
    if depth > DEEPEST:
        raise RecursionError
    if isinstance(value, str) and not value.isprintable():
        odd = next((character for character in value if _controls(character)), None)
        if odd is not None:
            raise SpecError(f"{where.lstrip('.')} holds the control character {odd!r}; expected plain text.")
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        if isinstance(key, str):
            _check(key, f"{where}.{given(key)}", depth)
        if isinstance(item, str | dict | list):
            _check(item, f"{where}.{key}", depth + 1)


def _controls(character: str) -> bool:
    """Whether a character controls a terminal or a compiler, or ends a line, other than line feeds and tabs."""
    return unicodedata.category(character) in ("Cc", "Zl", "Zp") and character not in "\n\t"


def overlay(base: Table, over: Table, of: str = "") -> Table:
    """Lay one table over another: tables are merged, and any other value is replaced, as is a table of another kind.

    Parameters
    ----------
    base, over
        The table below, and the one that is laid over it.
    of
        The key of both in the tables that they stand in.

    Examples
    --------
    >>> overlay({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}})
    {'a': {'b': 1, 'c': 3}}
    >>> overlay({"step": {"kind": "sign", "threshold": 0.1}}, {"step": {"kind": "gradient"}}, "training")
    {'step': {'kind': 'gradient'}}
    """
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if not (isinstance(below, dict) and isinstance(value, dict)):
            merged[key] = value
            continue
        kind = below.get("kind") if (of, key) in OF_KINDS else None
        merged[key] = overlay(below, value, key) if kind is None or value.get("kind", kind) == kind else value
    return merged


def setting(text: str) -> Table:
    """Turn ``KEY.PATH=VALUE`` into a table; the value is read as TOML, or else as a plain word.

    >>> setting("phases.beta=0.5")
    {'phases': {'beta': 0.5}}

    Raises
    ------
    SpecError
        If the text has no ``=`` or an empty key, is nested too deep, or holds control characters.
    """
    path, equals, value = text.partition("=")
    keys = [key.strip() for key in path.split(".")]
    if not equals or not all(keys):
        raise SpecError(f"--set {text}: expected KEY=VALUE with a dotted key, such as phases.beta=0.5.")
    table: Any = _value(value.strip())
    for key in reversed(keys):
        table = {key: table}
    try:
        _check(table, "", 0)
    except RecursionError:
        raise SpecError(f"--set {given(text)}: is nested too deep; expected {DEEPEST} levels at most.") from None
    except SpecError as error:
        raise SpecError(f"--set {error}") from None
    return table


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text
