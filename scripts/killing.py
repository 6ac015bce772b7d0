"""Commands that are stopped at random moments, by each signal in turn, and repeated until they end.

What they end in has to be what undisturbed ones end in, to the last bit; what they say when they are stopped has to be
a sentence; and no process may be left behind. A command that a signal comes too late for counts as not stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuroeq.runs.records import RunFolder

PATIENCE = 10.0
"""After how many seconds nothing may be left of a command that was stopped."""
SIGNALS: dict[str, tuple[int, ...]] = {
    "SIGKILL": (signal.SIGKILL,),
    "SIGTERM": (signal.SIGTERM,),
    "SIGHUP": (signal.SIGHUP,),
    "Ctrl-C twice": (signal.SIGINT, signal.SIGINT),
}
DIGITS = ("digits", "--set", "data.limit=200", "--seed", "3")
RUNS: dict[str, tuple[str, ...]] = {
    "rate, stepper": (*DIGITS, "--substrate", "rate", "--engine", "stepper", "--epochs", "20"),
    "rate, compiled": (*DIGITS, "--substrate", "rate", "--engine", "compiled", "--epochs", "300"),
    "spiking, compiled": (*DIGITS, "--substrate", "spiking", "--engine", "compiled", "--epochs", "30"),
    "crossbar with devices": (*DIGITS, "--substrate", "crossbar", "--hardware", "pcm", "--epochs", "6"),
    "resistive": ("xor", "--substrate", "resistive", "--epochs", "400"),
    "resistive, fused": (*DIGITS, "--substrate", "resistive", "--epochs", "30"),
}
"""Trainings on each engine and with each trainer, of some seconds each."""


@dataclass(frozen=True)
class Job:
    """A command that can be stopped.

    Parameters
    ----------
    name
        Its name in the table.
    words
        The command line, in which ``{place}`` is the folder that it works in.
    given
        A folder whose content the working folder begins with; None if it begins empty.
    resumes
        Whether ``--resume`` is added once there is a checkpoint.
    """

    name: str
    words: tuple[str, ...]
    given: Path | None = None
    resumes: bool = False

    def start(self, place: Path) -> subprocess.Popen[str]:
        """Start it in a session of its own, in which signals are heard."""
        more = ["--resume"] if self.resumes and (place / "run" / "checkpoint.npz").exists() else []
        words = [word.format(place=place) for word in self.words]
        return subprocess.Popen(
            [sys.executable, "-c", HEARING, *words, *more],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def prepare(self, place: Path) -> None:
        """Make the working folder."""
        place.mkdir(parents=True)
        if self.given is not None:
            shutil.copytree(self.given, place / "run")


HEARING = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from neuroeq.cli import main; main()"
)
"""What a shell that starts a command in the background would have made it ignore is heard again."""


def jobs(trained: Path) -> Iterator[Job]:
    """Yield the commands, some of which work on a trained run."""
    for name, words in RUNS.items():
        yield Job(f"run, {name}", ("run", *words, "--out", "{place}/run", "--quiet"), resumes=True)
    compared = ("compare", *DIGITS[:-2], "--on", "rate,resistive", "--seeds", "2", "--epochs", "10", "--jobs", "2")
    yield Job("compare", (*compared, "--out", "{place}/run", "--quiet"))
    yield Job("eval", ("eval", "{place}/run", "--hardware", "pcm", "--draws", "5", "--json"), trained)
    yield Job("export", ("export", "{place}/run", "{place}/run.cir"), trained)


def ended_as(job: Job, place: Path, printed: str) -> dict[str, Any]:
    """Return what a command has ended in: weights, results and texts by file, without times and places."""
    found: dict[str, Any] = {"printed": _timeless(_parsed(printed)) if "--json" in job.words else None}
    for path in sorted(each for each in place.rglob("*") if each.is_file()):
        name = str(path.relative_to(place))
        match path.suffix:
            case ".npz" if path.name == "checkpoint.npz":
                params = RunFolder(path.parent).load().params
                found[name] = {key: (value.shape, value.tobytes()) for key, value in params.items()}
            case ".json":
                found[name] = _timeless(json.loads(path.read_text()))
            case ".csv" if path.name == "metrics.csv":
                found[name] = _timeless(RunFolder(path.parent).metrics())
            case ".cir":
                found[name] = path.read_text().replace(str(place), "")
            case ".h5" | ".toml":
                found[name] = "there"
    return found


TIMES = ("path", "run", "warnings")
"""Entries that name places, or what was said on the way."""


def _timeless(value: Any) -> Any:
    """Return a value without what differs between two runs of one command: times and places."""
    if isinstance(value, dict):
        return {k: _timeless(v) for k, v in value.items() if not str(k).endswith("_s") and k not in TIMES}
    return [_timeless(each) for each in value] if isinstance(value, list) else value


def _parsed(text: str) -> Any:
    return json.loads(text) if text.strip() else None


def left_behind(session: int) -> list[int]:
    """Return the processes of a session that still run, after waiting for their end."""
    until = time.monotonic() + PATIENCE
    while True:
        alive = [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit() and _in(each, session)]
        if not alive or time.monotonic() > until:
            return alive
        time.sleep(0.05)


def _in(process: Path, session: int) -> bool:
    try:
        fields = (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return int(fields[3]) == session and fields[0] != "Z"


def stop(process: subprocess.Popen[str], signals: tuple[int, ...], pause: float) -> str | None:
    """Send signals to a process; return what is wrong with how it ended, None if nothing is."""
    for number in signals:
        if process.poll() is None:
            os.kill(process.pid, number)
            time.sleep(pause)
    try:
        _, said = process.communicate(timeout=6 * PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        return "it did not end"
    alive = left_behind(process.pid)
    for each in alive:
        os.kill(each, signal.SIGKILL)
    if alive:
        return f"{len(alive)} processes were left behind"
    return f"a traceback: {said[-2000:]}" if "Traceback" in said else None


def undisturbed(job: Job, place: Path) -> tuple[dict[str, Any], float]:
    """Return what a command ends in when nothing stops it, and how long it takes [s]."""
    job.prepare(place)
    began = time.monotonic()
    process = job.start(place)
    printed, said = process.communicate()
    if process.returncode:
        raise SystemExit(f"{job.name} fails undisturbed: {said}")
    return ended_as(job, place, printed), time.monotonic() - began


def disturbed(job: Job, place: Path, how: list[str], lasts: float, draw: random.Random) -> tuple[list[str], Any]:
    """Stop a command in each of some ways, and let it end; return the ways that stopped it, and what it ended in.

    Raises
    ------
    RuntimeError
        If it is wrong how it ended.
    """
    job.prepare(place)
    stopped = []
    for way in how:
        process = job.start(place)
        time.sleep(draw.uniform(0.05, 1.0) * lasts)
        if process.poll() is not None:
            process.communicate()
            continue
        wrong = stop(process, SIGNALS[way], draw.uniform(0.0, 0.5))
        if wrong:
            raise RuntimeError(f"{way}: {wrong}")
        stopped.append(way)
    process = job.start(place)
    printed, said = process.communicate()
    if process.returncode:
        raise RuntimeError(f"after {', '.join(stopped)} it fails: {said[-2000:]}")
    return stopped, ended_as(job, place, printed)


def differences(one: dict[str, Any], two: dict[str, Any]) -> list[str]:
    """Return the files in which two results differ."""
    return sorted(name for name in one.keys() | two.keys() if one.get(name) != two.get(name))


def main() -> None:
    """Stop commands, and print what came of them."""
    parser = argparse.ArgumentParser(prog="scripts/kills", description=__doc__)
    parser.add_argument("--count", type=int, default=60, help="how many times a command is stopped")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    draw, counts, faults = random.Random(given.seed), Counter[tuple[str, str]](), 0
    with tempfile.TemporaryDirectory() as folder:
        trained = Path(folder) / "trained" / "run"
        words = ("run", *DIGITS, "--substrate", "crossbar", "--epochs", "2", "--out", "{place}/run", "--quiet")
        undisturbed(Job("trained", words), trained.parent)
        known = {job: undisturbed(job, Path(folder) / f"whole{n}") for n, job in enumerate(jobs(trained))}
        round_ = 0
        while sum(counts.values()) < given.count and not faults:
            for job, (whole, lasts) in known.items():
                ways = draw.sample(list(SIGNALS), min(2, given.count - sum(counts.values())))
                if not ways:
                    break
                place = Path(folder) / f"broken{round_}"
                round_ += 1
                try:
                    stopped, ended = disturbed(job, place, ways, lasts, draw)
                    differ = differences(whole, ended)
                    wrong = f"differs in {', '.join(differ)}" if differ else ""
                except RuntimeError as error:
                    stopped, wrong = [], str(error)
                counts.update((job.name, way) for way in stopped)
                faults += bool(wrong)
                print(f"{job.name}: {', '.join(stopped) or 'not stopped'}: {wrong or 'the same'}", flush=True)
                shutil.rmtree(place)
    by_way: Counter[str] = Counter()
    for (_, way), n in counts.items():
        by_way[way] += n
    print(f"{sum(counts.values())} stops ({', '.join(f'{n} {way}' for way, n in by_way.items())}), {faults} faults")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
