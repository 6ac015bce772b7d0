"""The baseline of a comparison: the network trained by back-propagation, stored in a run folder as other cells are.

It takes seconds where other cells take minutes, so it has no checkpoint before its end, and starts again if stopped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from neuroeq.data import Examples, load
from neuroeq.describe.catalog import load_network
from neuroeq.describe.spec import Network, Substrate
from neuroeq.describe.spec.files import Table
from neuroeq.learning.learned import chance_error, has_learned
from neuroeq.measures.backprop import FeedForward, Trained, train
from neuroeq.randomness import Streams

from ..records import RunFolder, versions
from ..result import errors_of
from ..sweeps.cells import BASELINE


def with_rate_units(network: Network | str | Path) -> Network:
    """Return a network that has rate units for back-propagation, whose outputs can move at the start.

    Parameters
    ----------
    network
        A network, or its name or path; if it describes rate units, they are left as they are.
    """
    described = network if isinstance(network, Network) else load_network(network)
    if "rate" in described.substrate:
        return described
    projections = {
        name: {
            "learning_rate": 0.05,
            "initial": {"scheme": "glorot_uniform", "gain": 0.3 if each.target == described.output_layer else 1.0},
            "bounds": "none",
        }
        for name, each in described.projections.items()
    }
    layers: Table = {name: {"bias": True} for name, layer in described.layers.items() if layer.role != "input"}
    layers[described.output_layer]["bias_initial"] = {"scheme": "constant", "gain": 0.3}
    units = Substrate(
        neuron="hard_sigmoid",
        synapse="rate_derivative",
        projections=projections,
        layers=layers,
    )
    return described.model_copy(update={"substrate": {**described.substrate, "rate": units}})


def train_baseline(network: Network, path: Path, data_dir: str | Path | None, patience_s: float) -> None:
    """Train a network by back-propagation, and write the files of a run.

    Parameters
    ----------
    network
        The network, resolved for rate units, with the seed of the run.
    path
        The run folder, which is made.
    data_dir
        The folder that holds data sets; ``$NEUROEQ_DATA`` if left out.
    patience_s
        How long to wait for another process that writes into the run folder [s].

    Raises
    ------
    NeuroeqError
        If the network is none that back-propagation goes through, its data cannot be read, or its weights diverge.
    """
    examples, folder = load(network, data_dir), RunFolder(path)
    path.mkdir(parents=True, exist_ok=True)
    with folder.held(True, patience_s):
        folder.describe(network)
        trained = train(network, examples, Streams(network.run.seed))
        folder.write_metrics(trained.rows)
        folder.save(trained.state)
        folder.write_result(_result(network, examples, trained))


def _result(network: Network, examples: Examples, trained: Trained) -> dict[str, Any]:
    """Return the content of result.json, with the keys of other runs where there is such a number."""
    chance, training, last = chance_error(np.asarray(examples.train.labels)), network.training, trained.rows[-1]
    model, test, coding = FeedForward(network), examples.test, examples.coding
    tested = None if test is None else model.score(trained.state.params, test, coding)
    return {
        "network": network.name,
        "substrate": BASELINE,
        "hardware": None,
        "seed": network.run.seed,
        "precision": network.physics.precision,
        "epochs": training.epochs,
        "updates": training.epochs * training.n_batches(len(examples.train)),
        "rate_factors": trained.factors,
        **errors_of(last, tested),
        **coding.record(),
        "cpu_s": trained.state.cpu_s,
        "wall_s": trained.state.wall_s,
        "learned": has_learned([row[f"train_{coding.measure}"] for row in trained.rows], chance),
        "chance_error": None,
        f"chance_{coding.measure}": chance,
        "energy_per_inference_J": None,
        "energy_per_update_J": None,
        "spikes_per_inference": None,
        "versions": versions(),
    }
