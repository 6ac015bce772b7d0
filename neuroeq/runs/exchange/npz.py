"""A run as NumPy arrays, in the layout that docs/exchange.md describes."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import numpy as np

from neuroeq.physics.engine.recording import Phase

from ..records.recorded import read_samples
from ..run import Run

Array = np.ndarray
LAYOUT = 1
"""The version of the layout, which changes when a name or a shape does."""


def npz(run: Run) -> bytes:
    """Return the content of an .npz file, without pickles: trained parameters and recorded phases.

    Parameters
    ----------
    run
        The run whose parameters and recorded phases are written.
    """
    arrays = {"layout": np.array(LAYOUT)}
    arrays |= {f"params/{name}": np.asarray(values) for name, values in run.params.items()}
    arrays |= dict(_samples(run))
    for when, recording in run.recordings().items():
        for index, phase in enumerate(recording.phases):
            arrays |= {f"recorded/{when}/{index}/{name}": values for name, values in _arrays(phase)}
    content = BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type]
    return content.getvalue()


def _samples(run: Run) -> Iterator[tuple[str, Array]]:
    known = read_samples(run.folder)
    if not known or known[0].index is None:
        return  # a run of an older version does not say
    yield "samples/part", np.array(known[0].part)
    yield "samples/index", np.array([each.index for each in known])
    labels = np.array([each.label for each in known])
    yield "samples/label", labels
    silent = "" if labels.dtype.kind == "U" else -1
    for when in known[0].predictions:
        predicted = [each.predictions[when] for each in known]
        yield f"samples/predictions/{when}", np.array([silent if each is None else each for each in predicted])


def _arrays(phase: Phase) -> Iterator[tuple[str, Array]]:
    yield "name", np.array(phase.name)
    yield "t", phase.t
    for layer, variables in phase.states.items():
        for variable, values in variables.items():
            yield f"states/{layer}/{variable}", values
    for variable, unit in phase.units.items():
        yield f"units/{variable}", np.array(unit)
    for layer, columns in phase.spikes.items():
        for column, values in zip(("t", "sample", "unit"), columns, strict=True):
            yield f"spikes/{layer}/{column}", values
    for name, values in phase.change.items():
        yield f"change/{name}", values
        yield f"synapses/{name}", phase.chosen[name]
