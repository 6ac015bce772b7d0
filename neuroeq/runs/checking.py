"""`neuroeq check`: the update of a network at its start weights, or of a run at its last ones, on one substrate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from neuroeq.contract import OnDevices, Params, Substrate
from neuroeq.data import Examples, load
from neuroeq.data.choice import in_turn
from neuroeq.describe.catalog import load_network, names, resolve
from neuroeq.describe.network import initial_params, learning_rates, sizes, with_full_scales
from neuroeq.describe.spec import Network
from neuroeq.describe.spec.files import Table
from neuroeq.describe.spec.periphery import NudgeSource
from neuroeq.errors import SpecError
from neuroeq.learning.optimiser import Descent
from neuroeq.learning.state import State
from neuroeq.learning.training import calibrate
from neuroeq.learning.weight_store import WeightStore
from neuroeq.measures.fidelity import Chosen, Report, check, choose_examples
from neuroeq.physics.engine import use_target
from neuroeq.physics.substrates import build, engine_of
from neuroeq.randomness import Streams

from .earlier import Epochs, earlier_states
from .run import load_run

EXACT = {"phase_noise": 0.0, "coupling_bits": 0, "phase_bits": 0}
"""What oscillators have whose gradient an update is compared with."""
UPDATES = 20
"""How often an update is asked of devices to see what they make of it: schemes with a memory collect it first."""


def check_network(
    network: Network | str | Path,
    substrate: str | None = None,
    *,
    seed: int | None = None,
    samples: int = 8,
    settings: Sequence[str | Table] = (),
    hardware: str | None = None,
    ideal: Sequence[str] = (),
    data_dir: str | Path | None = None,
    target: str | None = None,
    rbp: bool = False,
    epochs: Epochs | None = None,
) -> Report:
    """Compare one update with the gradient.

    Examples are taken one of each class and then again, and those without a gradient are passed over. If fewer than
    `samples` are left at the end of a run, it is checked at the weights of the last epoch at which there were enough;
    to find them, it is trained once more in memory.

    Parameters
    ----------
    network
        A network, its name or path, or the folder of a finished run, whose trained weights are then checked.
    substrate
        The substrate, as for `train`; that of the run if left out.
    seed
        The seed of the start weights and the noise.
    samples
        The number of training examples in the update; all of them if there are not so many.
    settings, hardware, ideal, data_dir, target
        The same as for `train`.
    rbp
        Whether to run recurrent backpropagation beside the nudged phase, step by step, on rate networks.
    epochs
        The weights of the run after each epoch, if its training kept them, which is then not repeated.

    Raises
    ------
    NeuroeqError
        If a setting is not allowed, or there is no gradient to compare with.
    """
    folder = Path(str(network)) if isinstance(network, str | Path) and Path(str(network)).is_dir() else None
    run = None if folder is None else load_run(folder)
    described = run.network if run is not None else network
    run_options = {"seed": seed, "data_dir": data_dir and str(data_dir)}
    changes = [*settings, {"run": {key: value for key, value in run_options.items() if value is not None}}]
    resolved = resolve(described, substrate, changes, hardware, ideal)  # type: ignore[arg-type]
    streams = Streams(resolved.run.seed)
    state = State(initial_params(resolved, streams.child("init"))) if run is None else run.folder.load()
    examples = load(resolved, resolved.run.data_dir)
    samples = min(samples, len(examples.train))
    same = run is not None and _chip(resolved) == _chip(run.network)
    resolved = with_full_scales(resolved, state.full_scales)
    pair = _Pair(described, resolved, streams, state, same, samples, use_target(target))
    calibrate(pair.checked, examples, streams.child("calibration", 0))
    earlier = () if run is None else earlier_states(run, examples, target, epochs)
    chosen, epoch = _choose(pair, state, earlier, examples, samples)
    which = chosen.which if len(chosen.which) else in_turn(np.asarray(examples.train.labels), samples)
    inputs, _, wanted = examples.batch(examples.train, which, resolved)
    report = check(pair.checked, inputs, wanted, streams, pair.reference, rbp, pair.made if pair.on_chip else None)
    explanation = resolved.explanation("margin")
    return replace(report, examples=len(which), passed_over=chosen.passed_over, epoch=epoch, explanation=explanation)


def _choose(
    pair: _Pair, state: State, earlier: Iterable[tuple[int, State]], examples: Examples, samples: int
) -> tuple[Chosen, int | None]:
    """Return the examples to check with, and the epoch whose weights the pair then holds, if it is not the last."""
    last = choose_examples(pair.reference, examples, samples)
    if len(last.which) == samples:
        return last, None
    for epoch, before in earlier:
        pair.hold(before)
        chosen = choose_examples(pair.reference, examples, samples)
        if len(chosen.which) == samples:
            return chosen, epoch
    pair.hold(state)
    return last, None


class _Pair:
    """The substrate that is checked, and the one whose gradient it is compared with, at the weights of a state."""

    def __init__(
        self,
        described: Network | str | Path,
        resolved: Network,
        streams: Streams,
        state: State,
        same_devices: bool,
        samples: int,
        target: str,
    ) -> None:
        self._resolved, self._streams, self._same_devices = resolved, streams, same_devices
        options: dict[str, Any] = {"engine": engine_of(resolved), "target": target}
        self._state, store = state, self._store(state)
        self.on_chip = store.chip is not None
        self.checked = build(resolved, store.params, samples, **options)
        twin = _rate_twin(described, resolved, store.params, samples)
        self.reference = twin or _exact_twin(resolved, store, samples, options) or self.checked
        self._take(store)

    def hold(self, state: State) -> None:
        """Take over the weights of a state, and on a circuit what its devices make of them."""
        self._state = state
        self._take(self._store(state))

    def made(self, change: Params) -> Params:
        """Return the changes that devices make in `UPDATES` updates, each of the same change, over learning rates."""
        store, descent, rates = self._store(self._state), Descent(self._resolved), learning_rates(self._resolved)
        before = store.params
        for turn in range(UPDATES):
            store.change(descent.step(store.params, change, 0), self._streams.child("pulses check", turn))
        return {name: (store.params[name] - before[name]) / rates[name] for name in change}

    def _take(self, store: WeightStore) -> None:
        self.checked.hold(store.effective(self._streams.child("read check")))
        if self.reference is not self.checked:
            dtype = {name: value.dtype for name, value in self.reference.params.items()}
            held = {name: np.asarray(value, dtype[name]) for name, value in store.params.items()}
            self.reference.hold(OnDevices(held, store.held.conductances))

    def _store(self, state: State) -> WeightStore:
        devices = dict(state.devices) if self._same_devices else {}
        return WeightStore(self._resolved, state.params, devices, self._streams)


def _chip(network: Network) -> tuple[Any, ...]:
    """Return what the devices of a network are drawn from."""
    return network.hardware, [projection.hardware for projection in network.projections.values()], network.run.seed


def _exact_twin(resolved: Network, store: WeightStore, samples: int, how: dict[str, Any]) -> Substrate | None:
    """Return a circuit of the same weights with exact devices and converters; None if the circuit has these itself.

    Oscillators keep their natural frequencies, which are part of what settles, and lose their noise and their bits.
    """
    if not resolved.kind.hardware:
        return None
    array, periphery = resolved.technology.array, resolved.technology.periphery
    oscillators = resolved.technology.oscillators.model_copy(update=EXACT)
    noiseless = oscillators == resolved.technology.oscillators
    if store.chip is None and periphery.ideal and not array.phase_mismatch and noiseless:
        return None
    exact = periphery.model_copy(
        update={"dac_bits": 0, "adc_bits": 0, "adc_noise_sd": 0.0, "adc_offset_sd": 0.0, "nudge": NudgeSource()}
    )
    parts = {"array": array.model_copy(update={"phase_mismatch": 0.0}), "periphery": exact, "oscillators": oscillators}
    twin = resolved.model_copy(update={"hardware": resolved.technology.model_copy(update=parts)})
    return build(twin, store.params, samples, **how)


def _rate_twin(
    described: Network | str | Path, resolved: Network, params: dict[str, np.ndarray], samples: int
) -> Substrate | None:
    """Return the rate network of spiking units, with the same parameters; None for other units."""
    if not resolved.kind.spikes:
        return None
    whole = described if isinstance(described, Network) else load_network(described)
    if "rate" not in whole.substrate and resolved.name in names("network"):
        whole = load_network(resolved.name)
    if "rate" not in whole.substrate:
        raise SpecError(
            f"{whole.where}: has no substrate.rate, whose gradient spiking units are compared with; add one to the "
            "network's file, and check that file."
        )
    twin = resolve(whole, "rate", [sizes(resolved)])
    weights = {name: np.asarray(value, float) for name, value in params.items()}
    return build(twin, weights, samples, plastic=False, target="numpy")
