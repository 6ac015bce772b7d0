"""Odd files: mutations of shipped ones, each loaded, shown, resolved, built and, where that is cheap, trained.

Whatever comes of a file must be a result or one sentence (a `NeuroeqError`). Anything else is a traceback, and more
than `PATIENCE` seconds of CPU time are a hang. Every case is made from its seed and its number alone.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import os
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from neuroeq.cli import main as command_line
from neuroeq.describe.catalog import find, load_any, names, resolve
from neuroeq.describe.catalog.files import Kind, table_of
from neuroeq.describe.spec import Hardware, Network, NeuronModel
from neuroeq.errors import NeuroeqError
from neuroeq.runs.training import train
from scripts.known_bad import KNOWN_BAD

PATIENCE = 10
"""After how many seconds of CPU time a case counts as a hang."""
MEMORY = 12 * 2**30
"""How much memory the process may take, so that a case that takes more fails alone. [bytes]"""
Table = dict[str, Any]

NUMBERS: list[Any] = [0, 1, -1, 2, 7, -7, 3.0, 0.5, -0.0, 1e-6, 1e-20, -1e-20, 1e-300, 1e300, -1e300, 1e9]
NUMBERS += [10**9, 10**12, 10**30, 10**400, 2**31, 2**63, 2**64, float("nan"), float("inf"), -float("inf")]
WORDS = str.split("x none true 0 10 -3 nan inf 1e400 ä☃ ../x /x .. a/b a\\b [/b] {x} %s $HOME ~ ' # w s dt def")
WORDS += str.split("x.toml ../mine.toml lif xor pcm __class__ __import__('os')")
WORDS += [
    "",
    " ",
    '"',
    300 * "a",
    20_000 * "a",
    "\x00",
    "a\rb",
    "a\nb",
    "a\tb",
    "\x1b[31m",
    "\u2028",
    "\u202e",
    "\ufeff",
]
UNITS = str.split("ms s h year mV V uS S Hz kHz A nA ohm F K J W degC foo % µs Ω /ms 1/s m_s (s) bit radian steps dB")
UNITS += ["ms**0", "s^9^9^9", "s**99", "s s", 90 * "s"]
BITS = str.split(
    "( ) ** * / // % - = : # ; ' [0] .real 9**9 xi rand() randn() exp( int( t dt w spike drive unit d 1e999"
)
BITS += str.split("__class__ 0/0 1//0 (1 second volt activity clip(s,0,1) 10**10**10 ä ∞")
BITS += ['"', "\\", "\n", "\r", "\t", " : 1", "not ", " and ", "lambda: 0"]
OTHERS = [[], {}, [[]], [1, "a"], {"a": {"b": 1}}, True, False, "x", 1, 1.5, [[0, 1]], {"model": "ideal"}]


class Hang(BaseException):
    """A case took too long; no handler of the product catches it."""


@dataclass
class Case:
    """An odd file, and the files that it extends."""

    number: int
    kind: Kind
    files: dict[str, bytes]
    """By name; `mine.toml` is the one that is described."""
    history: list[str]
    """What was done to it."""


@dataclass
class Verdict:
    """What came of a case: a sentence, an acceptance, a traceback or a hang."""

    what: str
    text: str = ""
    place: str = ""
    took: float = 0.0


def case_of(seed: int, number: int) -> Case:
    """Return a case: some shipped file with one to four changes."""
    rng = random.Random(f"{seed}:{number}")
    kind: Kind = rng.choice(["network", "network", "neuron", "synapse", "hardware"])
    base = rng.choice(names(kind))
    whole = rng.random() < 0.6
    table = table_of(kind, find(kind, base)) if whole else {"extends": base, "title": "odd", **_pick(kind, base, rng)}
    history = [f"{base} {'whole' if whole else 'extended'}"]
    for _ in range(rng.choice([1, 1, 1, 2, 2, 3, 4])):
        history.append(rng.choice(CHANGES)(table, rng))
    files: dict[str, bytes] = {}
    if rng.random() < 0.1:
        files["below.toml"] = _written(table)
        table = {"extends": rng.choice(["./below.toml", "../{folder}/below.toml", "below.toml", "./mine.toml", "mine"])}
        history.append("a chain of files")
    text = _written(table)
    if rng.random() < 0.12:
        change = rng.choice(TEXTS)
        text = change(text, rng)
        history.append(change.__name__.strip("_"))
    return Case(number, kind, {**files, "mine.toml": text}, history)


def _pick(kind: Kind, base: str, rng: random.Random) -> Table:
    """Return a few of the entries of a shipped file."""
    table = table_of(kind, find(kind, base))
    keys = [key for key in table if key not in ("schema", "name", "title", "evidence")]
    return copy.deepcopy({key: table[key] for key in rng.sample(keys, min(len(keys), 2))})


def _places(table: Any, tables: bool = True) -> list[tuple[Any, Any]]:
    """Return every place in a table: the table or list, and the key or index."""
    found = []
    for key, value in table.items() if isinstance(table, dict) else enumerate(table):
        if tables or not isinstance(value, dict | list):
            found.append((table, key))
        if isinstance(value, dict | list):
            found += _places(value, tables)
    return found


def _somewhere(table: Table, rng: random.Random, suits: Callable[[Any], bool] = lambda value: True) -> tuple[Any, Any]:
    places = [(at, key) for at, key in _places(table) if suits(at[key])]
    return rng.choice(places or _places(table) or [(table, "title")])


def _other_number(table: Table, rng: random.Random) -> str:
    at, key = _somewhere(table, rng, lambda value: isinstance(value, int | float))
    value = rng.choice(NUMBERS)
    at[key] = -at[key] if rng.random() < 0.2 and isinstance(at[key], int | float) else value
    return f"{key} = {at[key]!r:.40}"


def _scaled(table: Table, rng: random.Random) -> str:
    """Change a number or a quantity to another that may well be allowed."""
    factor = rng.choice([0.1, 0.5, 2, 10, 1000])
    at, key = _somewhere(table, rng, lambda value: isinstance(value, int | float) or _number(value) is not None)
    if isinstance(at[key], str) and (number := _number(at[key])) is not None:
        at[key] = f"{factor * number:g} {at[key].partition(' ')[2]}"
    elif isinstance(at[key], int | float) and abs(at[key]) <= 1e300:
        at[key] = type(at[key])(at[key] * factor)
    return f"{key} = {at[key]!r:.40}"


def _number(value: Any) -> float | None:
    """Return the number of a quantity."""
    with contextlib.suppress(ValueError, AttributeError):
        return float(value.partition(" ")[0])
    return None


def _other_word(table: Table, rng: random.Random) -> str:
    at, key = _somewhere(table, rng, lambda value: isinstance(value, str))
    at[key] = rng.choice(WORDS)
    return f"{key} = {at[key]!r:.40}"


def _other_quantity(table: Table, rng: random.Random) -> str:
    at, key = _somewhere(table, rng, lambda value: isinstance(value, str) and value[:1] in "-+.0123456789")
    number = rng.choice(["1", "0", "-1", "-50", "1e9", "1e300", "1e-300", "1e400", "nan", "0.5", "100", "1000000000"])
    old = at[key].partition(" ")[2] if isinstance(at[key], str) else "ms"
    at[key] = f"{number} {rng.choice([old, old, rng.choice(UNITS)])}"
    return f"{key} = {at[key]!r:.40}"


def _other_type(table: Table, rng: random.Random) -> str:
    at, key = _somewhere(table, rng)
    at[key] = rng.choice(
        [[], {}, [[]], [1, "a"], {"a": {"b": 1}}, True, False, "x", 1, 1.5, [[0, 1]], {"model": "ideal"}]
    )
    return f"{key} = {at[key]!r}"


def _garbled(table: Table, rng: random.Random) -> str:
    at, key = _somewhere(table, rng, lambda value: isinstance(value, str) and any(sign in value for sign in "=*/+-("))
    text, start = str(at[key]), rng.randrange(len(str(at[key])) + 1)
    at[key] = text[:start] + rng.choice([*BITS, ""]) + text[start + rng.randrange(3) :]
    return f"{key} garbled: {at[key]!r:.200}"


def _removed(table: Table, rng: random.Random) -> str:
    at, key = _somewhere(table, rng)
    if isinstance(at, dict):
        at.pop(key, None)
    return f"{key} removed"


def _renamed(table: Table, rng: random.Random) -> str:
    at, key = _somewhere(table, rng)
    new = rng.choice([*WORDS, str(key) + "x", str(key).upper(), "__class__", "w", "t", "size", "neuron"])
    if isinstance(at, dict) and key in at:
        at[new] = at.pop(key)
    return f"{key} renamed to {new!r:.40}"


def _moved(table: Table, rng: random.Random) -> str:
    (at, key), (to, other) = _somewhere(table, rng), _somewhere(table, rng)
    if key in at if isinstance(at, dict) else True:
        to[other] = copy.deepcopy(at[key])
    return f"{key} at the place of {other}"


def _from_elsewhere(table: Table, rng: random.Random) -> str:
    kind: Kind = rng.choice(["network", "neuron", "synapse", "hardware"])
    base = rng.choice(names(kind))
    table.update(_pick(kind, base, rng))
    return f"entries of {base}"


def _other_base(table: Table, rng: random.Random) -> str:
    table["extends"] = rng.choice([*WORDS, *names("network"), *names("neuron"), *names("hardware"), 1, [], "./x.toml"])
    return f"extends {table['extends']!r:.40}"


CHANGES = (
    [_scaled] * 5
    + [_other_number] * 4
    + [_other_word] * 2
    + [_other_quantity] * 3
    + [_garbled] * 3
    + [_other_type, _removed]
)
CHANGES += [_renamed, _moved, _from_elsewhere, _other_base]


def _written(table: Table) -> bytes:
    """Return a table as TOML; what TOML cannot hold becomes a word."""
    try:
        return tomli_w.dumps(table).encode("utf-8", "surrogatepass")
    except (TypeError, ValueError, RecursionError):
        return repr(table).encode()


def _mark(text: bytes, rng: random.Random) -> bytes:
    return b"\xef\xbb\xbf" + text


def _zeros(text: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice([b"\x00", b"\xff", b"\r", b"\x1b", b"\xe2\x80\xa8"]) + text[at:]


def _cut(text: bytes, rng: random.Random) -> bytes:
    return text[: rng.randrange(len(text) + 1)]


def _twice(text: bytes, rng: random.Random) -> bytes:
    lines = text.splitlines(keepends=True)
    at = rng.randrange(len(lines) + 1)
    return b"".join([*lines[:at], rng.choice(lines or [b""]), *lines[at:]])


def _deep(text: bytes, rng: random.Random) -> bytes:
    n = rng.choice([10, 30, 500, 5000])
    return b"deep = " + n * b"[" + n * b"]" + b"\n" + text


def _windows(text: bytes, rng: random.Random) -> bytes:
    return text.replace(b"\n", b"\r\n")


TEXTS = [_mark, _zeros, _cut, _twice, _deep, _windows]


def examine(case: Case, folder: Path, trains: bool = True) -> Verdict:
    """Write the files of a case into a new folder, describe and train what they stand for, and judge what happens."""
    home = folder / f"case{case.number}"
    home.mkdir()
    for name, content in case.files.items():
        (home / name).write_bytes(content.replace(b"{folder}", home.name.encode()))
    return judged(lambda: _use(home / "mine.toml", case.number, trains))


def judged(use: Callable[[], None]) -> Verdict:
    """Return what came of something."""

    def late(*_: Any) -> None:
        raise Hang

    before, began = signal.signal(signal.SIGPROF, late), time.process_time()
    signal.setitimer(signal.ITIMER_PROF, PATIENCE)
    verdict = Verdict("accepted")
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            use()
    except NeuroeqError as error:
        verdict = Verdict("sentence", str(error))
    except Hang as error:
        verdict = Verdict("hang", place=_place(error))
    except Exception as error:
        verdict = Verdict("traceback", f"{type(error).__name__}: {error}", _place(error))
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    verdict.took = time.process_time() - began
    return Verdict("hang", took=verdict.took) if verdict.took > PATIENCE + 1 else verdict


def _place(error: BaseException) -> str:
    """Return the last line of ours that led to an exception."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/neuroeq/" in frame.filename]
    return f"{frames[-1].filename.split('/neuroeq/')[-1]}:{frames[-1].lineno}" if frames else "?"


def _use(path: Path, number: int, trains: bool) -> None:
    """Load a file, show it, resolve it everywhere, and train what it describes on one substrate.

    Models and hardware are tried in a small network.
    """
    described = load_any(str(path))
    _shown(path)
    resolved = list(_resolved(described, path))
    if trains:
        _train(resolved[number % len(resolved)])


def _resolved(described: Any, path: Path) -> Iterator[Network]:
    """Yield a network on its substrates, or a small network that is made of a model or of hardware."""
    match described:
        case Network():
            yield from (resolve(described, substrate) for substrate in described.substrate)
        case NeuronModel():
            on = "spiking" if described.emits == "spikes" else "rate"
            yield resolve("xor", on, [f"substrate.{on}.neuron='{path}'"])
        case Hardware():
            yield from (resolve("xor", on, hardware=str(path)) for on in ("resistive", "crossbar"))
        case _:
            on = "spiking" if described.native or described.transmits == "spikes" else "rate"
            yield resolve("xor", on, [f"substrate.{on}.synapse='{path}'"])


def _shown(path: Path) -> None:
    """Show a file on the command line, which says the sentence and exits with 2 where something is wrong."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        try:
            command_line(["show", str(path)])
        except SystemExit as end:
            if end.code:
                raise NeuroeqError(said.getvalue()) from None


def _train(network: Network) -> None:
    """Train a resolved network for an epoch on a tiny data set, if that is cheap."""
    units = sum(layer.size for layer in network.layers.values())
    dt = network.physics.dt or 1e-3
    steps = network.phases.free.n_steps(dt) + 2 * network.phases.nudged.n_steps(dt)
    if units > 400 or units * steps > 100_000 or network.training.batch_size > 1000:
        return
    n_in, n_out = (network.layers[layer].size for layer in (network.input_layer, network.output_layer))
    classes = 2 if network.data.targets == "scalar" else n_out
    inputs = np.random.default_rng(0).random((max(4, classes), n_in))
    data = (inputs, np.arange(len(inputs)) % classes)
    train(network, settings=["data.protocol=whole"], epochs=1, data=data, keep=False, target="numpy")


def bad_cases() -> Iterator[tuple[str, Case]]:
    """Yield the values that must be refused, each with the substrate to resolve it for, or nothing."""
    for number, (name, text) in enumerate(KNOWN_BAD.items()):
        content = text.encode() if isinstance(text, str) else text
        yield name.partition(":")[0] if ":" in name else "", Case(-number, "network", {"mine.toml": content}, [name])


def refused(path: Path, substrate: str) -> None:
    """Describe a file and no more: for a substrate if there is one, else as a part of a small network."""
    described = load_any(str(path))
    if substrate:
        resolve(described, substrate)
    else:
        list(_resolved(described, path))


def examine_bad(substrate: str, case: Case, folder: Path) -> Verdict:
    """Judge what happens when a value that must be refused is described."""
    home = folder / f"bad{-case.number}"
    home.mkdir()
    (home / "mine.toml").write_bytes(case.files["mine.toml"].replace(b"{folder}", home.name.encode()))
    return judged(lambda: refused(home / "mine.toml", substrate))


def warm_up() -> None:
    """Import and compile what every case needs, so that none is charged for it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for substrate in ("rate", "spiking", "crossbar", "resistive"):
            train("xor", substrate, epochs=1, keep=False, target="numpy")


def _report(verdicts: list[tuple[Case, Verdict]], bad: list[tuple[Case, Verdict]], seed: int) -> bool:
    """Print what came of all cases; return whether all is well."""
    wrong = [(case, verdict) for case, verdict in [*verdicts, *bad] if verdict.what in ("traceback", "hang")]
    groups: dict[tuple[str, str], list[tuple[Case, Verdict]]] = {}
    for case, verdict in wrong:
        groups.setdefault((verdict.place, verdict.text.partition(":")[0]), []).append((case, verdict))
    for (place, _), members in sorted(groups.items(), key=lambda item: -len(item[1])):
        case, verdict = members[0]
        numbers = ", ".join(str(each.number) for each, _ in members[:8])
        print(f"\n{verdict.what} at {place}, {len(members)} times: {verdict.text[:300]}")
        print(f"  {'; '.join(case.history)[:300]}\n  scripts/fuzz --seed {seed} --only {numbers}")
    let_in = [case.history[0] for case, verdict in bad if verdict.what == "accepted"]
    for name in let_in:
        print(f"\naccepted, and must be refused: {name}")
    print(f"\n{'':10}{'sentences':>11}{'accepted':>11}{'tracebacks':>12}{'hangs':>7}")
    kinds = sorted({case.kind for case, _ in verdicts})
    rows = [(kind, [verdict for case, verdict in verdicts if case.kind == kind]) for kind in kinds]
    for name, members in [*rows, ("all", [each for _, each in verdicts]), ("known bad", [each for _, each in bad])]:
        count = Counter(verdict.what for verdict in members)
        print(f"{name:10}{count['sentence']:11}{count['accepted']:11}{count['traceback']:12}{count['hang']:7}")
    return not wrong and not let_in


def main() -> None:
    """Make cases, examine them, and print what came of them."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, nargs="+", help="the numbers of single cases, whose files are printed too")
    given = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    warm_up()
    began, verdicts = time.monotonic(), []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        os.chdir(folder)
        os.environ["NEUROEQ_HOME"] = str(folder / "home")
        for number in given.only or range(given.count):
            case = case_of(given.seed, number)
            verdicts.append((case, examine(case, folder)))
            if given.only:
                _print(case, verdicts[-1][1])
        bad = [] if given.only else [(case, examine_bad(on, case, folder)) for on, case in bad_cases()]
        fine = _report(verdicts, bad, given.seed)
        os.chdir("/")
    print(f"{time.monotonic() - began:.0f} s")
    sys.exit(not fine)


def _print(case: Case, verdict: Verdict) -> None:
    for name, content in case.files.items():
        print(f"# {name}: {'; '.join(case.history)}\n{content.decode(errors='backslashreplace')[:5000]}")
    print(f"{verdict.what} in {verdict.took:.2f} s: {verdict.text} {verdict.place}\n")


if __name__ == "__main__":
    main()
