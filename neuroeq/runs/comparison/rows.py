"""The results of the cells, read from their run folders, and means over seeds with their 95 % intervals.

mean +- t(0.975, n - 1) s / sqrt(n)          Student's t, s the standard deviation of n seeds
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..analysis import settling_time
from ..run import load_run
from ..sweeps.cells import BASELINE, Cell
from ..sweeps.outcome import CELL, read_json
from ..sweeps.summary import mean_and_interval

SETTLED = 0.01
"""How near outputs must stay to their last values, as a fraction of the largest one."""
AVERAGED = (
    "learned",
    "test_accuracy",
    "train_accuracy",
    "rmse",
    "r2",
    "cosine_start",
    "cosine_end",
    "settling_ms",
    "energy_per_inference_J",
    "energy_per_update_J",
    "latency_per_inference_s",
    "latency_per_update_s",
    "pulses_per_weight",
    "spikes_per_inference",
    "cpu_s",
)
"""The numbers of a row that are averaged over seeds."""


@dataclass(frozen=True)
class Row:
    """The result of one cell; what does not apply is None.

    Parameters
    ----------
    cell, substrate, hardware, seed
        The name of the cell, and the substrate, hardware and seed that it consists of.
    path
        The run folder of the cell.
    failure
        Why the cell could not be trained.
    refused
        Why there is no gradient to compare its update with.
    warnings
        The warnings that were given while it ran.
    layers
        The sizes of the layers, in the order of the file.
    classes, epochs, updates
        The number of classes of the data, and of the epochs and updates of the training.
    learned
        Whether the training error left that of guessing.
    test_accuracy, train_accuracy
        The fractions of test and training examples in the right class; None if outputs stand for values.
    rmse, r2
        The root mean square error and R^2 of the test part, or of the training part if the protocol leaves the test
        part alone, where outputs stand for values.
    cosine_start, cosine_end
        The cosine of one update of all parameters with the gradient, at the start weights and at the last ones.
    cosines_start, cosines_end
        The same cosines for each parameter array, by its name.
    settling_ms
        Simulated time until outputs stay within 1 % of the largest, in the recorded free phase after training. On a
        circuit that is solved for its operating point, it is that of the transient to it [ms].
    energy_per_inference_J, energy_per_update_J
        The energies of an inference and of an update, on circuits [J].
    latency_per_inference_s, latency_per_update_s
        The times that an inference and an update take, where result.json says so [s].
    scheme
        The programming scheme of devices that are not ideal.
    pulses_per_weight
        The number of pulses of a weight in an epoch, on such devices.
    spikes_per_inference
        The number of spikes of an inference, with spiking units.
    cpu_s
        The CPU time of training [s].
    """

    cell: str
    substrate: str
    hardware: str | None
    seed: int
    path: str
    failure: str | None = None
    refused: str | None = None
    warnings: tuple[str, ...] = ()
    layers: tuple[int, ...] = ()
    classes: int | None = None
    epochs: int | None = None
    updates: int | None = None
    learned: bool | None = None
    test_accuracy: float | None = None
    train_accuracy: float | None = None
    rmse: float | None = None
    r2: float | None = None
    cosine_start: float | None = None
    cosine_end: float | None = None
    cosines_start: dict[str, float | None] | None = None
    cosines_end: dict[str, float | None] | None = None
    settling_ms: float | None = None
    energy_per_inference_J: float | None = None  # noqa: N815
    energy_per_update_J: float | None = None  # noqa: N815
    latency_per_inference_s: float | None = None
    latency_per_update_s: float | None = None
    scheme: str | None = None
    pulses_per_weight: float | None = None
    spikes_per_inference: float | None = None
    cpu_s: float | None = None

    @property
    def baseline(self) -> bool:
        """Whether it was trained by back-propagation."""
        return self.substrate == BASELINE

    @property
    def accuracy(self) -> float | None:
        """The accuracy on the test part, or on the training part if the protocol leaves the test part alone."""
        return self.test_accuracy if self.test_accuracy is not None else self.train_accuracy


@dataclass(frozen=True)
class Summary:
    """The result of a substrate over its seeds.

    Parameters
    ----------
    cell, substrate, hardware
        The name of the cells without their seeds, and the substrate and hardware that they consist of.
    seeds
        The seeds with which it could be trained.
    failure
        Why it could not be trained with the first of the other seeds.
    layers, updates, scheme
        The sizes of its layers, the number of updates, and the programming scheme of its devices.
    mean
        The means by the names of `AVERAGED`; None if there are no numbers.
    interval
        Half the 95 % intervals of the means; None for fewer than two seeds.
    cosines_start, cosines_end
        The means of the cosines for each parameter array, by its name.
    """

    cell: str
    substrate: str
    hardware: str | None
    seeds: tuple[int, ...]
    failure: str | None
    layers: tuple[int, ...]
    updates: int | None
    scheme: str | None
    mean: dict[str, float | None]
    interval: dict[str, float | None]
    cosines_start: dict[str, float | None]
    cosines_end: dict[str, float | None]

    @property
    def baseline(self) -> bool:
        """Whether it was trained by back-propagation."""
        return self.substrate == BASELINE

    @property
    def recipe(self) -> tuple[tuple[int, ...], int | None]:
        """What cells that are like with like have in common: the sizes of the layers, and the number of updates."""
        return self.layers, self.updates

    @property
    def accuracy(self) -> float | None:
        """The accuracy on the test part, or on the training part if the protocol leaves the test part alone."""
        tested = self.mean["test_accuracy"]
        return tested if tested is not None else self.mean["train_accuracy"]


def read_row(path: Path, cell: Cell) -> Row:
    """Return the result of a cell from its run folder."""
    record = read_json(path / CELL)
    which: dict[str, Any] = {"cell": cell.name, **asdict(cell)}
    remarks = tuple(record.get("warnings", ()))
    if "gradient" not in record:
        failure = record.get("failure", "was not finished; the same command goes on with it.")
        return Row(**which, path=str(path), failure=failure, warnings=remarks)
    run, (start, end) = load_run(path), (record["gradient"][when] for when in ("start", "end"))
    result, took, layers = run.result, run.result.get("programming") or {}, run.network.layers
    part = "train" if result.get("test_r2") is None else "test"
    settled = None if cell.baseline else settling_time(run, SETTLED, relative=True)
    return Row(
        **which,
        path=str(path),
        refused=start.get("refused") or end.get("refused"),
        warnings=remarks,
        layers=tuple(layer.size for layer in layers.values()),
        classes=None if run.classes is None else len(run.classes),
        epochs=result["epochs"],
        updates=result.get("updates"),
        learned=result.get("learned"),
        test_accuracy=None if run.test_error is None else 1 - run.test_error,
        train_accuracy=None if run.train_error is None else 1 - run.train_error,
        rmse=result.get(f"{part}_rmse"),
        r2=result.get(f"{part}_r2"),
        cosine_start=start.get("cosine"),
        cosine_end=end.get("cosine"),
        cosines_start=_cosines(start),
        cosines_end=_cosines(end),
        settling_ms=None if settled is None else 1e3 * settled,
        energy_per_inference_J=result["energy_per_inference_J"],
        energy_per_update_J=result["energy_per_update_J"],
        latency_per_inference_s=result.get("latency_per_inference_s"),
        latency_per_update_s=result.get("latency_per_update_s"),
        scheme=took.get("scheme"),
        pulses_per_weight=took.get("pulses_per_weight_per_epoch"),
        spikes_per_inference=result["spikes_per_inference"],
        cpu_s=result["cpu_s"],
    )


def summaries(rows: Sequence[Row]) -> list[Summary]:
    """Return one summary for each substrate and hardware, in the order of the rows."""
    return [_summary([row for row in rows if row.cell == name]) for name in dict.fromkeys(row.cell for row in rows)]


def _summary(rows: Sequence[Row]) -> Summary:
    first, done = rows[0], [row for row in rows if row.failure is None]
    spread = {key: mean_and_interval([getattr(row, key) for row in done]) for key in AVERAGED}
    return Summary(
        first.cell,
        first.substrate,
        first.hardware,
        tuple(row.seed for row in done),
        next((row.failure for row in rows if row.failure is not None), None),
        *((done[0].layers, done[0].updates, done[0].scheme) if done else ((), None, None)),
        {key: mean for key, (mean, _) in spread.items()},
        {key: half for key, (_, half) in spread.items()},
        _by_parameter([row.cosines_start for row in done]),
        _by_parameter([row.cosines_end for row in done]),
    )


def as_dict(row: Row | Summary) -> dict[str, Any]:
    """Return a row or a summary as plain values."""
    return asdict(row)


def _cosines(report: dict[str, Any]) -> dict[str, float | None] | None:
    if "projections" not in report:
        return None
    return {name: each["cosine"] for name, each in report["projections"].items()}


def _by_parameter(found: Sequence[dict[str, float | None] | None]) -> dict[str, float | None]:
    known = [each for each in found if each is not None]
    names = dict.fromkeys(name for each in known for name in each)
    return {name: mean_and_interval([each.get(name) for each in known])[0] for name in names}
