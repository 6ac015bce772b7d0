"""Curves of trained weights: a finished run on other hardware, whose keys vary, without training it again.

Each point of the grid is evaluated on a number of chips, and kept in a file named by its content, so that the same call
goes on after an interruption, and another grid keeps what it shares.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from neuroeq.describe.spec import Network
from neuroeq.describe.spec.files import Table
from neuroeq.errors import NeuroeqError, SpecError

from ..interruption import Interrupted
from ..records.files import atomic, made
from ..run import Run, load_run
from ..transfer import evaluate_run, on_substrate
from .cells import Cell
from .columns import NUMBERS
from .grid import Point, factors_of, points_of
from .outcome import read_json
from .plan import PLAN
from .recipe import content_of
from .table import CURVES, Row, Sweep, write_csv
from .values import value_of

AT = "at"
"""The name of the dimension of times after programming."""
TRAINED = "as trained"


def evaluate_curves(
    run: Run | str | Path,
    vary: Sequence[str],
    substrate: str | None = None,
    *,
    hardware: str | None = None,
    ideal: Sequence[str] = (),
    draws: int = 1,
    seed: int = 0,
    at: Sequence[str] = (),
    settings: Sequence[str | Table] = (),
    data_dir: str | Path | None = None,
    target: str | None = None,
    out: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Sweep:
    """Test the weights of a finished run on many chips, for each combination of values of some keys.

    Parameters
    ----------
    run
        A finished run, or its folder.
    vary
        The keys and their values, such as ``"hardware.synapse.levels=2,4,...,256"``.
    substrate, hardware, ideal, draws, seed, at, settings, data_dir, target
        The same as for `evaluate_run`; several times are one more dimension, ``"at"``.
    out
        The folder of the curves; ``curves`` in that of the run if left out.
    progress
        A function that is called as ``progress(n, more)`` after each batch: `more` of `n` examples are done.

    Returns
    -------
    Sweep
        A row for each point, time and chip, whose seed is that of the chip.

    Raises
    ------
    NeuroeqError
        If any of the points is not valid, or nothing could be evaluated.
    Interrupted
        After Ctrl-C, SIGTERM or SIGHUP; the same call goes on.
    """
    run = run if isinstance(run, Run) else load_run(run)
    factors = factors_of(vary)
    points = points_of(factors)
    folder = Path(out) if out is not None else run.path / "curves"
    if any((folder / name).exists() for name in ("run.toml", PLAN)):
        raise SpecError(f"{folder}: is the folder of a run or a sweep; give curves one of their own by --out.")
    trained = sha256(b"".join(value.tobytes() for _, value in sorted(run.params.items()))).hexdigest()
    about = [trained, draws, seed, list(at)]
    cell, names = _named_points(run, points, substrate, settings, hardware, ideal, about, seed, data_dir)
    if out is not None and read_json(folder / CURVES).get("run", trained) != trained:
        raise SpecError(f"--out {folder}: holds the curves of another run; choose another folder.")
    if not (folder / "points").is_dir():
        made(folder / "points")
    options: dict[str, Any] = {"hardware": hardware, "ideal": ideal, "draws": draws, "seed": seed, "at": at}
    options |= {"data_dir": data_dir, "target": target, "progress": _over_points(progress, len(points))}
    rows: list[Row] = []
    for name, point in zip(names, points, strict=True):
        record = _record(folder / "points" / f"{name}.json", run, substrate, _settings(settings, point), **options)
        rows += _rows(run, point, cell, record, range(seed, seed + draws), at)
    dimensions, sizes = {factor.name: factor.keys for factor in factors}, [len(factor.points) for factor in factors]
    if len(at) > 1:
        dimensions, sizes = {**dimensions, AT: [AT]}, [*sizes, len(at)]
    grid = (folder, run.network.name, run.network.title, dimensions, tuple(sizes))
    found = Sweep(*grid, tuple(rows), _as_trained(run, dimensions), TRAINED)
    atomic(folder / CURVES, json.dumps({**asdict(found), "path": None, "run": trained}, indent=1) + "\n")
    write_csv(found)
    if not found.count("done"):
        raise SpecError(f"no point could be evaluated; the first one, because: {rows[0]['message']}")
    return found


def _named_points(
    run: Run,
    points: Sequence[Point],
    substrate: str | None,
    settings: Sequence[str | Table],
    hardware: str | None,
    ideal: Sequence[str],
    about: list[Any],
    seed: int,
    data_dir: str | Path | None,
) -> tuple[Cell, list[str]]:
    """Look at every point, and return the cell that all are, and a name for each that tells its content from others.

    Raises
    ------
    NeuroeqError
        If any of them is not valid; the message says which.
    """
    names, network = [], run.network
    for number, point in enumerate(points, 1):
        try:
            network = on_substrate(run, substrate, _settings(settings, point), hardware, ideal)
        except NeuroeqError as error:
            values = ", ".join(f"{key}={value}" for key, value in point.items())
            raise type(error)(f"point {number} of {len(points)} ({values}): {error}") from None
        content = json.dumps([*about, content_of(network, data_dir)], sort_keys=True, default=str)
        names.append(sha256(content.encode()).hexdigest()[:16])
    return _cell(network, seed), names


def _settings(settings: Sequence[str | Table], point: Point) -> list[str | Table]:
    return [*settings, *(f"{key}={value}" for key, value in point.items())]


def _record(
    path: Path, run: Run, substrate: str | None, settings: Sequence[str | Table], **options: Any
) -> dict[str, Any]:
    """Return the record of a point: that of an earlier call, or of an evaluation now, or why there is none."""
    record = read_json(path)
    if record and "failure" not in record:
        return record
    try:
        record = evaluate_run(run, substrate, settings=settings, **options).as_dict()
    except Interrupted as interruption:
        raise Interrupted(path.parent.parent, interruption.number) from None
    except NeuroeqError as error:
        record = {"failure": str(error)}
    atomic(path, json.dumps(record) + "\n")
    return record


def _as_trained(run: Run, dimensions: dict[str, list[str]]) -> tuple[Row, ...]:
    """Return the row of the run itself."""
    cell = _cell(run.network, run.network.run.seed)
    (row,) = _rows(
        run, {}, cell, {"spreads": [{"errors": [run.result[f"test_{run.coding.measure}"]]}]}, [cell.seed], ()
    )
    return (row | {key: None for keys in dimensions.values() for key in keys},)


def _cell(network: Network, seed: int) -> Cell:
    return Cell(network.substrate_name, network.made_of if network.kind.hardware else None, seed)


def _rows(
    run: Run, point: Point, cell: Cell, record: dict[str, Any], chips: Sequence[int], at: Sequence[str]
) -> list[Row]:
    """Return a row for each time and chip of a point."""
    values = {key: value_of(key, text) for key, text in point.items()}
    failure, measure, rows = record.get("failure"), run.coding.measure, []
    costs = {name: record.get(name) for name in NUMBERS}
    for index, time in enumerate(at or [None]):
        for chip, seed in enumerate(chips):
            error = None if failure else record["spreads"][index]["errors"][chip]
            numbers = {f"test_{measure}": error, "chance_error": run.result.get("chance_error")}
            rows.append(
                {
                    **values,
                    **({AT: time} if len(at) > 1 else {}),
                    **{"cell": cell.name, "substrate": cell.substrate, "hardware": cell.hardware, "seed": seed},
                    "status": "failed" if failure else "done",
                    "message": failure,
                    **(costs if chip == 0 else dict.fromkeys(costs)),  # which are those of the first chip
                    **numbers,
                    "folder": str(run.path),
                }
            )
    return rows


def _over_points(progress: Callable[[int, int], None] | None, n: int) -> Callable[[int, int], None] | None:
    """Return a function that tells of the progress over all points."""
    return None if progress is None else lambda total, more: progress(n * total, more)
