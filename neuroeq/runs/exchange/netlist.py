"""A SPICE netlist as a list of elements: a small subset of the language, read and never run.

The first line is the title. ``*`` starts a comment, ``;`` and ``$`` end a line early, ``+`` continues the line before.
Numbers may have the suffixes f p n u m k meg g t, and letters after them, which are units. Capital and small letters
are the same. Whatever would change the voltages and is not represented is refused, with the number of its line.

ngspice User's Manual, version 39, 2022, chapters 2 and 7.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NoReturn

from neuroeq.errors import SpecError, given

NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,4})?)(meg|mil|[fpnumkgt])?[a-z]*")
SUFFIXES = {"f": -15, "p": -12, "n": -9, "u": -6, "m": -3, "k": 3, "meg": 6, "g": 9, "t": 12, None: 0}
CARD = {"is": 1e-14, "n": 1.0, "eg": 1.11, "xti": 3.0}
"""What of a diode's model is represented, with SPICE's defaults."""
_REAL = r"[+-]?[\d.]+(?:e[+-]?\d+)?"
IDEAL = re.compile(rf"i=uramp\(v\((\S+?),(\S+?)\)\)/{_REAL}")
"""The current of an ideal diode, as neuroeq writes it."""
PIECEWISE = re.compile(rf"i=v\((\S+?),(\S+?)\)\*({_REAL})\+uramp\(v\((\S+?),(\S+?)\)-\(({_REAL})\)\)\*\(({_REAL})\)")
"""That of a diode of two straight lines: its conductance below, its threshold, and how much more conducts above."""
WITHOUT_EFFECT = {"tt", "cjo", "cj0", "vj", "m", "fc", "kf", "af", "cjsw", "vjsw", "mjsw", "level"}
"""What of a diode's model has no effect at an operating point, or only one value here."""
SKIPPED = {".op", ".end", ".print", ".plot", ".probe", ".save", ".title", ".tran", ".nodeset", ".ic"}
"""Lines that say what to simulate and to show, and nothing of the circuit."""
TOLERANCES = {"reltol", "abstol", "vntol", "chgtol", "trtol", "itl1", "itl2", "itl4", "method", "noacct", "acct"}
GROUND = ("0", "gnd")
LENGTHS = {"e": 6, "f": 5}
"""The number of words of an element that has not four."""


@dataclass(frozen=True)
class Element:
    """One element of a netlist.

    Parameters
    ----------
    name
        Its name, in small letters; the first one tells what it is.
    nodes
        The nodes it lies between; ground is ``"0"``.
    value
        Resistance, voltage, current, capacitance or gain, in SI units, as exactly as it is written; 0 for a diode.
    line
        The number of its line.
    model
        The name of the model of a diode.
    control
        What controls a source: the two nodes of a voltage, or the voltage source that senses a current.
    """

    name: str
    nodes: tuple[str, str]
    value: Decimal
    line: int
    model: str = ""
    control: tuple[str, ...] = ()


@dataclass
class Netlist:
    """The elements of a netlist.

    Parameters
    ----------
    where
        The file, as messages show it.
    elements
        The elements in the order of the file.
    models
        The constants of diodes, by the name of their model: IS, N, EG and XTI; of a diode of two straight lines
        ``below``, ``threshold`` and ``step``; none of an ideal one.
    celsius
        The temperature of the circuit. [degrees Celsius]
    """

    where: str
    elements: list[Element] = field(default_factory=list)
    models: dict[str, Mapping[str, float]] = field(default_factory=dict)
    celsius: float = 27.0

    def of(self, kind: str) -> list[Element]:
        """Return the elements of a kind, such as ``"r"``."""
        return [each for each in self.elements if each.name[0] == kind]


def read_netlist(text: str, where: str) -> Netlist:
    """Return the elements of a netlist.

    Parameters
    ----------
    text
        The content of the file.
    where
        The file, as messages show it.

    Raises
    ------
    SpecError
        At the first line that cannot be read, or asks for what is not represented.
    """
    found = Netlist(where)
    names: set[str] = set()
    for at, line in _lines(text.splitlines()[1:], where):
        words = line.split()
        if words[0] == ".end":
            break
        if words[0].startswith("."):
            _directive(found, words, at)
            continue
        element = _current_of_diode(found, words, at) if words[0][0] == "b" else _element(where, words, at)
        if element.name in names:
            _refuse(where, at, f"'{element.name}' is there twice; give each element a name of its own")
        names.add(element.name)
        found.elements.append(element)
    for diode in found.of("d"):
        if diode.model not in found.models:
            _refuse(
                where, diode.line, f"model {given(diode.model)} is not there; add .model {diode.model} d(is=... n=...)"
            )
    return found


def _lines(lines: list[str], where: str) -> Iterator[tuple[int, str]]:
    """Yield the lines without comments, each with its continuations and the number of its first line."""
    held: tuple[int, str] | None = None
    for number, line in enumerate(lines, start=2):
        text = " ".join(re.split(r";|(?:^|\s)\$|//", line, maxsplit=1)[0].lower().split())
        text = text.strip(" ,") if text.startswith("b") else text.strip("() ,")
        if not text or text.startswith("*"):
            continue
        if text.startswith("+"):
            if held is None:
                _refuse(where, number, "'+' continues no line; remove it")
            held = (held[0], f"{held[1]} {text[1:]}")
            continue
        if held is not None:
            yield held
        plain = text if text.startswith("b") else text.replace("(", " ").replace(")", " ").replace(",", " ")
        held = (number, re.sub(r"\s*=\s*", "=", plain))
    if held is not None:
        yield held


def _element(where: str, words: list[str], line: int) -> Element:
    name, kind = words[0], words[0][0]
    if kind not in "rvicdef":
        _refuse(
            where,
            line,
            f"{given(name)} is no element that is represented; expected R, V, I, D, B, C, E or F",
        )
    if kind in "vi" and len(words) > 3 and words[3] == "dc":
        words = [*words[:3], *words[4:]]
    if kind == "c" and len(words) > 4 and words[4].startswith("ic="):
        words = words[:4]
    if kind == "r" and len(words) > 4 and words[3] == "r":
        words = [*words[:3], *words[4:]]
    if len(words) != LENGTHS.get(kind, 4):
        what = {"d": "a model", "e": "two more and a gain", "f": "a source and a gain"}.get(kind, "a number")
        _refuse(
            where, line, f"'{' '.join(words)[:60]}' is not represented; expected a name, two nodes and {what} alone"
        )
    control = tuple("0" if node in GROUND else node for node in words[3:-1])
    nodes = tuple("0" if node in GROUND else node for node in words[1:3])
    if kind == "d":
        return Element(name, (nodes[0], nodes[1]), Decimal(0), line, words[3])
    value = number(words[-1].removeprefix("r=") if kind == "r" else words[-1], where, line)
    if kind == "r" and not value:
        _refuse(where, line, f"the resistance of {name} is 0; expected another")
    return Element(name, (nodes[0], nodes[1]), value, line, control=control)


def _current_of_diode(found: Netlist, words: list[str], line: int) -> Element:
    """Read a source of current that stands for a diode, an ideal one or one of two straight lines, as we write it."""
    name, nodes, text = words[0], tuple(words[1:3]), "".join(words[3:])
    ideal, lines = IDEAL.fullmatch(text), PIECEWISE.fullmatch(text)
    between = ideal.groups() if ideal else lines.group(1, 2, 4, 5) if lines else ()
    if not between or set(zip(between[::2], between[1::2], strict=True)) != {nodes}:
        _refuse(
            found.where, line, f"{given(name)} is no current of a diode between its nodes, as neuroeq writes it; use D"
        )
    card = {}
    if lines:
        below, threshold, step = (float(number(each, found.where, line)) for each in lines.group(3, 6, 7))
        card = {"below": below, "threshold": threshold, "step": step}
    model = f"({' '.join(f'{key}={value!r}' for key, value in card.items()) or 'ideal'})"  # no name of a .model
    found.models[model] = card
    anode, cathode = ("0" if node in GROUND else node for node in nodes)
    return Element(f"d({name})", (anode, cathode), Decimal(0), line, model)


def _directive(found: Netlist, words: list[str], line: int) -> None:
    """Read a line that starts with a point."""
    where = found.where
    if words[0] == ".model":
        _model(found, words, line)
    elif words[0] in (".option", ".options"):
        _options(found, words[1:], line)
    elif words[0] == ".temp" and len(words) == 2:
        found.celsius = float(number(words[1], where, line))
    elif words[0] not in SKIPPED:
        _refuse(where, line, f"'{words[0]}' is not represented, and nothing of a file is run; leave it out")


def _options(found: Netlist, words: list[str], line: int) -> None:
    for word in words:
        key, _, value = word.partition("=")
        if key == "temp":
            found.celsius = float(number(value, found.where, line))
        elif key in ("tnom", "gmin"):
            only = {"tnom": Decimal(27), "gmin": Decimal("1e-12")}[key]
            if number(value, found.where, line) != only:
                _refuse(found.where, line, f"{key} is {value}; expected {only}, the only one that is represented")
        elif key not in TOLERANCES:
            _refuse(found.where, line, f"option {given(key)} is not represented; leave it out")


def _model(found: Netlist, words: list[str], line: int) -> None:
    """Read the model of a diode."""
    where = found.where
    if len(words) < 3 or words[2] != "d":
        _refuse(where, line, f"'{' '.join(words)[:60]}' is no model of a diode; expected .model NAME d(is=... n=...)")
    card = dict(CARD)
    for word in words[3:]:
        key, _, text = word.partition("=")
        value = float(number(text, where, line))
        if key in card:
            card[key] = value
        elif key == "tnom" and value == 27:
            continue
        elif key not in WITHOUT_EFFECT and not (key in ("rs", "ikf", "ikr") and not value):
            _refuse(
                where, line, f"{key} of model '{words[1]}' is not represented; expected is, n, eg and xti, or {key}=0"
            )
    found.models[words[1]] = card


def number(text: str, where: str, line: int) -> Decimal:
    """Return a number of SPICE as exactly as it is written.

    Raises
    ------
    SpecError
        If it is none.
    """
    match = NUMBER.fullmatch(text)
    if match is None or match[2] == "mil":
        _refuse(where, line, f"{given(text)} is no number; expected one such as 4.7k, 10meg or 1e-3")
    value = Decimal(match[1]).scaleb(SUFFIXES[match[2]])
    if value and not -60 <= value.adjusted() <= 60:
        _refuse(where, line, f"{given(text)} is no size that exists; expected one between 1e-60 and 1e60")
    return value


def _refuse(where: str, line: int, what: str) -> NoReturn:
    raise SpecError(f"{where}: line {line}: {what}.")
