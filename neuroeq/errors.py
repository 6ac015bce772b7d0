"""The errors a user can meet: one sentence each, where, what was given, what is allowed, what to do."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from reprlib import Repr

_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 80

LONGEST_MESSAGE = 1_000
"""Length of the longest message; more of what a file holds is left out."""


class NeuroeqError(Exception):
    """Base of every error that is the user's to mend; the command line prints it and exits with 2.

    Its message is one line: what a file holds cannot end it, or change what a terminal shows.
    """

    def __init__(self, message: str) -> None:
        line = "".join(each if each.isprintable() else repr(each)[1:-1] for each in message[:LONGEST_MESSAGE])
        super().__init__(line if len(message) <= LONGEST_MESSAGE else f"{line}...")


class SpecError(NeuroeqError):
    """A file, an option or an argument holds something that is not allowed."""


class UnknownNameError(NeuroeqError):
    """Nothing goes by that name."""


class EquationError(NeuroeqError):
    """The equations of a model do not parse, or their units do not fit."""


class DataError(NeuroeqError):
    """A data set is missing, malformed, or of the wrong shape."""


class DivergenceError(NeuroeqError):
    """A state grew without bound."""


def given(value: object) -> str:
    """Return a value as messages quote it: on one line, its control characters escaped, and long ones cut short."""
    return _SHORT.repr(value)


def unknown_name(kind: str, name: str, known: Iterable[str], hint: str = "") -> UnknownNameError:
    """Return the error for a name that nothing has, with the nearest one that something has.

    Parameters
    ----------
    kind
        What was looked for, such as ``"network"``.
    name
        What was asked for.
    known
        The names there are; keys of the same table, such as ``"phases.beta"``, are compared without its name.
    hint
        What to do to see them all.
    """
    names, table = list(known), name[: name.rfind(".") + 1]
    if not all(each.startswith(table) for each in names):
        table = ""
    close = get_close_matches(name.removeprefix(table)[:100], [each.removeprefix(table) for each in names], n=1)
    guess = f"; did you mean '{table}{close[0]}'?" if close else "."
    return UnknownNameError(f"no {kind} {given(name)}{guess} {hint}".strip())


class NeuroeqWarning(UserWarning):
    """Something that training survives and a user should know."""
