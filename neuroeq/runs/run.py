"""A finished run: its records, its errors, its parameters, and what it predicts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neuroeq.contract import Params
from neuroeq.data.coding import Coding, recorded
from neuroeq.data.source import flat
from neuroeq.describe.network import with_full_scales
from neuroeq.describe.spec import Network
from neuroeq.errors import SpecError
from neuroeq.learning.weight_store import WeightStore
from neuroeq.physics.engine import Recording
from neuroeq.physics.substrates import build, engine_of
from neuroeq.randomness import Streams
from neuroeq.registry import PAGES

from .arrays import Spikes, States, Weights, spikes_of, states_of, weights_of
from .records import MemoryRecords, RunFolder
from .records.traces import read_traces
from .summary import summary

EVALUATION_BATCH = 120
"""The number of samples that are evaluated side by side."""


@dataclass(frozen=True, repr=False)
class Run:
    """A finished run.

    Parameters
    ----------
    path
        The folder of the run.
    network
        The resolved network, as run.toml describes it.
    result
        The content of result.json.
    memory
        The records of a run that is not kept in a folder.
    """

    path: Path
    network: Network
    result: dict[str, Any]
    memory: MemoryRecords | None = None

    def __repr__(self) -> str:
        """Return the run on one screen."""
        return "\n".join([f"Run {self.path}", *summary(self.network, self.result, self.path)[:-1]])

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the same, and the learning curve."""
        return PAGES.get("run")(self)

    def spikes(self, sample: int = 0, layer: str | None = None, when: str = "after") -> Spikes:
        """Return the spikes of a layer in response to a recorded sample: their times [s] and units.

        Parameters
        ----------
        sample
            Number of the sample among the recorded ones.
        layer
            The name of the layer; the output layer if left out.
        when
            Whether the sample was recorded ``"before"`` or ``"after"`` training.

        Raises
        ------
        SpecError
            If they are not recorded.
        """
        return spikes_of(self, sample, layer or self.network.output_layer, when)

    def states(
        self, sample: int = 0, layer: str | None = None, variable: str | None = None, when: str = "after"
    ) -> States:
        """Return the states of a layer while a recorded sample settles: times [s] and values (n_steps, n_units).

        Parameters
        ----------
        sample
            Number of the sample among the recorded ones.
        layer
            The name of the layer; the output layer if left out.
        variable
            The recorded variable; the state of the neuron model, or the voltage of nodes, if left out.
        when
            Whether the sample was recorded ``"before"`` or ``"after"`` training.

        Raises
        ------
        SpecError
            If they are not recorded.
        """
        return states_of(self, sample, layer or self.network.output_layer, variable, when)

    def weights(self, projection: str | None = None, epoch: float | None = None) -> Weights:
        """Return weights of some synapses over training: times in epochs and values (n, n_synapses).

        Parameters
        ----------
        projection
            The name of the projection; the last one of the network if left out.
        epoch
            A time in epochs, 0 for the start: what was sampled last until then. All times if left out.

        Raises
        ------
        SpecError
            If there is no such projection, or the epoch was not trained.
        """
        return weights_of(self, projection or list(self.network.projections)[-1], epoch)

    @property
    def folder(self) -> RunFolder | MemoryRecords:
        """The records of the run, in its folder or in memory."""
        return self.memory or RunFolder(self.path)

    @property
    def params(self) -> Params:
        """The trained parameters: of projections (n_pre, n_post), of biases ``"<layer>.bias"`` (n,)."""
        return self.folder.load().params

    def recordings(self) -> dict[str, Recording]:
        """Return the recorded phases of a few samples, ``"before"`` and ``"after"`` training."""
        with self.folder.traces() as file:
            return read_traces(file)

    def predict(self, inputs: ArrayLike) -> np.ndarray:
        """Return the class of each input, or the values, by a free phase of the trained network.

        Classes are the user's labels, (n,); silent outputs, which name none, are -1 (one below the lowest label if that
        is negative, an empty text if labels are texts). Values are in the user's units, (n, n_output).

        Parameters
        ----------
        inputs
            Inputs as training saw them, after ``[data]`` has scaled them: (n, n_input), or one sample, (n_input,); or
            images, (n, channels, height, width).

        Raises
        ------
        DataError
            If inputs have the wrong shape, or are not finite.
        """
        return self.coding.read(self._outputs(inputs))

    def outputs(self, inputs: ArrayLike) -> np.ndarray:
        """Return the outputs of the trained network at the end of the free phase: (n, n_output).

        Those that stand for values are in the user's units.

        Parameters
        ----------
        inputs
            Inputs as training saw them, after ``[data]`` has scaled them: (n, n_input), or one sample, (n_input,); or
            images, (n, channels, height, width).

        Raises
        ------
        DataError
            If inputs have the wrong shape, or are not finite.
        """
        outputs = self._outputs(inputs)
        return self.coding.read(outputs) if self.network.data.targets == "values" else outputs

    def _outputs(self, inputs: ArrayLike) -> np.ndarray:
        state, streams = self.folder.load(), Streams(self.network.run.seed)
        network = with_full_scales(self.network, state.full_scales)
        samples = flat(np.atleast_2d(np.asarray(inputs, network.physics.precision)))
        substrate = build(network, state.params, EVALUATION_BATCH, plastic=False, engine=engine_of(network))
        store = WeightStore.of(network, state, streams)
        substrate.hold(store.effective(streams.child("read predict")))
        stop = substrate.stop(network.phases.free)
        starts = range(0, max(len(samples), 1), EVALUATION_BATCH)
        batches = [samples[start : start + EVALUATION_BATCH] for start in starts]
        equilibria = [
            substrate.relax(batch, stop=stop, rng=streams.child("predict", index))
            for index, batch in enumerate(batches)
        ]
        return np.concatenate([end.outputs for end in equilibria])

    @property
    def coding(self) -> Coding:
        """What outputs stand for: the user's classes, or the map from outputs to values."""
        return recorded(self.network, self.result)

    @property
    def classes(self) -> list[Any] | None:
        """The user's label of each class, in the order of the outputs; None if outputs stand for values."""
        return list(self.coding.names) or None

    @property
    def train_error(self) -> float | None:
        """Fraction of training examples in the wrong class, over the last epoch; None if outputs stand for values."""
        return self.result["train_error"]

    @property
    def validation_error(self) -> float | None:
        """Fraction of validation examples in the wrong class; None if there were none, or outputs stand for values."""
        return self.result["validation_error"]

    @property
    def test_error(self) -> float | None:
        """Fraction of test examples in the wrong class; None if they were left alone, or outputs stand for values."""
        return self.result["test_error"]

    @property
    def test_rmse(self) -> float | None:
        """Root mean square error of the test part in the user's units; None where outputs stand for classes."""
        return self.result.get("test_rmse")

    @property
    def test_r2(self) -> float | None:
        """R^2 of the test part, the mean over outputs; None where outputs stand for classes."""
        return self.result.get("test_r2")

    @property
    def metrics(self) -> list[dict[str, float]]:
        """The rows of metrics.csv, one for each epoch.

        Raises
        ------
        SpecError
            If the file is missing, empty or damaged.
        """
        rows = self.folder.metrics()
        if not rows:
            raise SpecError(f"{self.path}: has no rows in its metrics.csv; put that file back, or train the run anew.")
        return rows


def load_run(path: str | Path) -> Run:
    """Open a finished run.

    Raises
    ------
    SpecError
        If the folder does not hold a finished run.
    """
    if not Path(path).is_dir():
        raise SpecError(f"no run folder '{path}'; `neuroeq run NETWORK` makes one and says where.")
    folder = RunFolder(Path(path))
    return Run(folder.path, folder.description(), folder.result())
