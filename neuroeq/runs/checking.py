"""`neuroeq check`: the update of a network at its start weights, or of a run at its last ones, on one substrate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neuroeq.contract import Substrate
from neuroeq.data import load
from neuroeq.data.choice import in_turn
from neuroeq.describe.catalog import load_network, resolve
from neuroeq.describe.network import initial_params
from neuroeq.describe.spec import Network
from neuroeq.describe.spec.files import Table
from neuroeq.describe.spec.hardware import NudgeSource
from neuroeq.errors import SpecError
from neuroeq.learning.state import State
from neuroeq.learning.weight_store import WeightStore
from neuroeq.measures.fidelity import Report, check
from neuroeq.physics.engine import use_target
from neuroeq.physics.substrates import build, engine_of
from neuroeq.randomness import Streams

from .run import load_run


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
) -> Report:
    """Compare one update with the gradient.

    Parameters
    ----------
    network
        A network, its name or path, or the folder of a finished run, whose trained weights are then checked.
    substrate
        The substrate, as for `train`; that of the run if left out.
    seed
        The seed of the start weights and the noise.
    samples
        The number of training examples in the update: the first ones of each class, taken in turn.
    settings, hardware, ideal, data_dir, target
        The same as for `train`.
    rbp
        Whether to run recurrent backpropagation beside the nudged phase, step by step, on rate networks.

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
    same = run is not None and (resolved.hardware, resolved.run.seed) == (run.network.hardware, run.network.run.seed)
    devices = state.devices if same else {}
    store = WeightStore(resolved, state.params, dict(devices), streams)
    params = store.params
    examples = load(resolved, Path(resolved.run.data_dir) if resolved.run.data_dir else None)
    which = in_turn(np.asarray(examples.train.labels), samples)
    inputs, _, wanted = examples.batch(examples.train, which, resolved)
    options: dict[str, Any] = {"engine": engine_of(resolved), "target": use_target(target)}
    checked = build(resolved, params, samples, **options)
    checked.hold(store.effective(streams.child("read check")))
    reference = _rate_twin(described, resolved, params, samples) or _exact_twin(resolved, store, samples, options)
    return check(checked, inputs, wanted, streams, reference, rbp)


def _exact_twin(resolved: Network, store: WeightStore, samples: int, how: dict[str, Any]) -> Substrate | None:
    """Return a circuit of the same weights with exact devices and converters; None if the circuit has these itself."""
    if not resolved.kind.hardware:
        return None
    array, periphery = resolved.technology.array, resolved.technology.periphery
    if store.chip is None and periphery.ideal and not array.phase_mismatch:
        return None
    exact = periphery.model_copy(
        update={"dac_bits": 0, "adc_bits": 0, "adc_noise_sd": 0.0, "adc_offset_sd": 0.0, "nudge": NudgeSource()}
    )
    parts = {"array": array.model_copy(update={"phase_mismatch": 0.0}), "periphery": exact}
    twin = resolved.model_copy(update={"hardware": resolved.technology.model_copy(update=parts)})
    return build(twin, store.params, samples, **how)


def _rate_twin(
    described: Network | str | Path, resolved: Network, params: dict[str, np.ndarray], samples: int
) -> Substrate | None:
    """Return the rate network of spiking units, with the same parameters; None for other units."""
    if not resolved.kind.spikes:
        return None
    whole = described if isinstance(described, Network) else load_network(described)
    if "rate" not in whole.substrate:
        whole = load_network(resolved.name)
    if "rate" not in whole.substrate:
        raise SpecError(
            f"{whole.where}: has no substrate.rate, whose gradient spiking units are compared with; add one."
        )
    twin = resolve(whole, "rate")
    layers = {n: twin.layers[n].model_copy(update={"size": layer.size}) for n, layer in resolved.layers.items()}
    twin = twin.model_copy(update={"layers": layers})
    weights = {name: np.asarray(value, float) for name, value in params.items()}
    return build(twin, weights, samples, plastic=False, target="numpy")
