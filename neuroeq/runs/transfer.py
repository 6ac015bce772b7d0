"""`neuroeq eval`: the weights of a finished run on other chips, or on another substrate.

Every draw is a different chip, with one seed for all its devices, amplifiers and converters. The weights are written to
it once, and it is evaluated at each of the times after that, with the drift until then and the noise of reading.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from neuroeq.contract import Params, Substrate
from neuroeq.data import Examples, Part, load
from neuroeq.describe.catalog import load_network, resolve
from neuroeq.describe.network import initial_params, sizes, with_full_scales
from neuroeq.describe.spec import Network
from neuroeq.describe.spec.files import Table
from neuroeq.errors import NeuroeqError, SpecError
from neuroeq.learning.training import calibrate
from neuroeq.learning.weight_store import WeightStore
from neuroeq.measures.account import Inference
from neuroeq.measures.evaluation import evaluate
from neuroeq.physics.devices import Chip
from neuroeq.physics.engine import use_target
from neuroeq.physics.substrates import build, engine_of
from neuroeq.randomness import Streams
from neuroeq.units import si

from .interruption import Interrupted, interrupting
from .run import EVALUATION_BATCH, Run, load_run

SHARED = ("rate", "spiking", "crossbar")
"""The substrates whose weights have the same meaning."""


@dataclass(frozen=True)
class Spread:
    """The spread of the test errors of the chips at one time; of values, of root mean square errors.

    Parameters
    ----------
    at_s
        The time since programming; None for right after it, before anything drifts [s].
    errors
        The test error of each chip, in the order of the draws.
    mean, sd, min, max
        Mean, standard deviation (of a sample; None for one chip), minimum and maximum of these errors.
    """

    at_s: float | None
    errors: tuple[float, ...]
    mean: float
    sd: float | None
    min: float
    max: float

    @classmethod
    def of(cls, at: float | None, errors: Sequence[float]) -> Spread:
        """Return the spread of the errors at one time."""
        sd = float(np.std(errors, ddof=1)) if len(errors) > 1 else None
        return cls(at, tuple(errors), float(np.mean(errors)), sd, min(errors), max(errors))


@dataclass(frozen=True)
class Transfer:
    """The result of trained weights on other chips.

    Parameters
    ----------
    run
        The folder of the run.
    network, trained_on, own_error
        The name of the network, the substrate and hardware it was trained on, and its test error there.
    substrate, hardware
        The substrate and hardware that it is evaluated on.
    draws
        The seeds of the chips.
    spreads
        The spread of the test errors at each time.
    compensation_reads
        How many columns of devices are read on each chip to compensate drift, each by one conversion.
    inference
        What an inference costs on the first chip, right after programming; None if the substrate is no circuit.
    measure
        What errors are: ``"error"``, fractions in the wrong class, or ``"rmse"``, root mean square errors of values.
    """

    run: str
    network: str
    trained_on: str
    own_error: float | None
    substrate: str
    hardware: str | None
    draws: tuple[int, ...]
    spreads: tuple[Spread, ...]
    compensation_reads: int = 0
    inference: Inference | None = None
    measure: str = "error"

    def as_dict(self) -> dict[str, Any]:
        """Return the result as plain values."""
        plain = asdict(replace(self, inference=None))
        del plain["inference"]
        return plain | ({} if self.inference is None else self.inference.as_dict())


class PartlyEvaluated(Interrupted):
    """An evaluation was stopped when some of its chips were done.

    Parameters
    ----------
    done
        The result of these chips.
    interruption
        The interruption that stopped it, with its signal.
    """

    def __init__(self, done: Transfer, interruption: Interrupted) -> None:
        super().__init__(None, interruption.number)
        self.done = done


def evaluate_run(
    run: Run | str | Path,
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
    progress: Callable[[int, int], None] | None = None,
) -> Transfer:
    """Test the weights of a finished run on other chips, or on another substrate.

    Parameters
    ----------
    run
        A finished run, or its folder.
    substrate
        The substrate to evaluate it on; that of the run if left out.
    hardware, ideal, settings, data_dir, target
        The same as for `train`. If `hardware` is left out on the substrate of the run, it is that of the run.
    draws, seed
        The number of chips, and the seed of the first one; the seeds of the others follow it.
    at
        The times after programming, such as ``"1 h"``; right after it if left out.
    progress
        A function that is called as ``progress(n, more)`` after each batch: `more` of `n` examples are done.

    Raises
    ------
    NeuroeqError
        If weights have another meaning on the substrate, or a setting is not allowed.
    PartlyEvaluated
        After Ctrl-C, SIGTERM or SIGHUP, with the chips that are done.
    """
    run = run if isinstance(run, Run) else load_run(run)
    times: list[float | None] = [_time(each) for each in at] or [None]
    network, state = on_substrate(run, substrate, settings, hardware, ideal), run.folder.load()
    network, params = with_full_scales(network, state.full_scales), state.params
    _check_parameters(run, network, params)
    if at and not network.kind.on_devices:
        raise SpecError(
            f"--at: substrate '{network.substrate_name}' has no devices that drift; leave it out, or name a circuit."
        )
    where = data_dir or network.run.data_dir
    examples, chosen = load(network, where), use_target(target)
    if examples.test is None:
        raise SpecError(
            f"data.protocol '{network.data.protocol}' leaves the test part alone; give --set data.protocol=final."
        )
    chips, errors, inference, drawn = range(seed, seed + draws), [], None, None
    watch = None if progress is None else partial(progress, draws * len(times) * len(examples.test))
    try:
        with threadpool_limits(1), interrupting(None):
            reads = _compensation_reads(network, params, at)
            for chip in chips:
                drawn = _Drawn(network, params, examples, chip, chosen, drawn)
                errors.append(drawn.errors(examples.test, times, watch))
                inference = inference or drawn.inference(examples.test)
    except Interrupted as interruption:
        if not errors:
            raise
        done = chips[: len(errors)]
        raise PartlyEvaluated(_transfer(run, network, done, times, errors, reads, inference), interruption) from None
    return _transfer(run, network, chips, times, errors, reads, inference)


def _compensation_reads(network: Network, params: Params, at: Sequence[str]) -> int:
    """Return how many columns are read on each chip to compensate drift."""
    if not at or not network.kind.on_devices:
        return 0
    return Chip(network, params, Streams(0)).compensation_reads(len(at))


def _transfer(
    run: Run,
    network: Network,
    chips: Sequence[int],
    times: Sequence[float | None],
    errors: Sequence[Sequence[float]],
    reads: int,
    inference: Inference | None,
) -> Transfer:
    """Return the result from the errors of each chip at each time."""
    return Transfer(
        str(run.path),
        network.name,
        _named(run.network),
        run.result.get(f"test_{run.coding.measure}"),
        network.substrate_name,
        network.made_of if network.kind.hardware else None,
        tuple(chips),
        tuple(Spread.of(time, column) for time, column in zip(times, zip(*errors, strict=True), strict=True)),
        reads,
        inference,
        run.coding.measure,
    )


class _Drawn:
    """The weights of a run on one chip.

    Parameters
    ----------
    network, params
        The network and its trained parameters.
    examples
        The data, for what outputs stand for and to calibrate converters with.
    chip
        The seed of the chip.
    target
        What Brian2 compiles equations to.
    former
        The weights on another chip, whose substrate is used again where chips differ in their devices only.
    """

    def __init__(
        self, network: Network, params: Params, examples: Examples, chip: int, target: str, former: _Drawn | None
    ) -> None:
        network = network.model_copy(update={"run": network.run.model_copy(update={"seed": chip})})
        self._streams, self._coding = Streams(chip), examples.coding
        if former is not None and former._on.reusable:
            self._on: Substrate = former._on
        else:
            options = {"plastic": False, "engine": engine_of(network), "target": target}
            self._on = build(network, params, EVALUATION_BATCH, **options)
        self._store = WeightStore(network, params, {}, self._streams)
        self._on.hold(self._store.held)
        calibrate(self._on, examples, self._streams.child("calibration", 0))

    def errors(self, part: Part, times: Sequence[float | None], watch: Callable[[int], None] | None) -> list[float]:
        """Return the test error at each time."""
        stop, errors = self._on.stop(self._on.network.phases.free), []
        for index, time in enumerate(times):
            place = () if time is None else (index,)
            self._on.hold(self._store.effective(self._streams.child("read test", *place), time))
            errors.append(evaluate(self._on, part, self._coding, stop, self._streams, "test", 0, watch).error)
        return errors

    def inference(self, part: Part) -> Inference | None:
        """Return what an inference costs right after programming, for the first batch; None if this is no circuit."""
        circuit = self._on.as_circuit()
        if circuit is None:
            return None
        circuit.hold(self._store.held)
        inputs, _ = next(iter(part.batches(circuit.batch, circuit.network.physics.precision)))
        return Inference.of(circuit, inputs, self._streams.child("energy"))


def on_substrate(
    run: Run, substrate: str | None, settings: Sequence[str | Table], hardware: str | None, ideal: Sequence[str]
) -> Network:
    """Return the network of a run, resolved for another substrate or other hardware."""
    own = run.network.substrate_name
    substrate = substrate or own
    if substrate == own or (own, substrate) == ("rate", "crossbar"):
        return resolve(run.network, substrate, settings, hardware, ideal)
    if own not in SHARED or substrate not in SHARED:
        raise SpecError(
            f"{run.path}: was trained on substrate '{own}', whose weights mean something else on '{substrate}'; "
            + (f"expected one of {', '.join(SHARED)}." if own in SHARED else f"train it on '{substrate}'.")
        )
    try:
        whole = load_network(run.network.name)
    except NeuroeqError as error:
        raise SpecError(
            f"{run.path}: describes substrate '{own}' only, and its network cannot be read for '{substrate}': {error}"
        ) from None
    own_settings: Table = {"data": run.network.data.model_dump(exclude_unset=True), **sizes(run.network)}
    network = resolve(whole, substrate, [own_settings, *settings], hardware, ideal)
    return network.model_copy(update={"run": run.network.run})


def _check_parameters(run: Run, network: Network, params: Params) -> None:
    wanted = {name: value.shape for name, value in initial_params(network, np.random.default_rng(0)).items()}
    trained = {name: value.shape for name, value in params.items()}
    for name in sorted(wanted.keys() | trained.keys()):
        if wanted.get(name) != trained.get(name):
            raise SpecError(
                f"{run.path}: parameter '{name}' has shape {trained.get(name)}, and on '{network.substrate_name}' it "
                f"has shape {wanted.get(name)}; weights move only between equal layers and projections."
            )


def _time(text: str) -> float:
    try:
        value = si(text, "a time")
    except SpecError as error:
        raise SpecError(f"--at {error}.") from None
    if value < 0:
        raise SpecError(f"--at is '{text}'; expected a time after programming.")
    return value


def _named(network: Network) -> str:
    return network.substrate_name + (f":{network.made_of}" if network.kind.hardware else "")
