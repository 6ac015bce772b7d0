"""The recorded samples of a run as a Block of Neo, and as files of NIX and NWB, which Neo writes and reads.

Each sample, before and after training, is a Segment: a SpikeTrain for each unit, a signal for each layer and variable
with a channel for each unit, and an Epoch with the phases.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neuroeq.errors import SpecError

from ..arrays import gathered_spikes, gathered_states
from ..records.recorded import Sample, Segment, read_samples, read_segments, recorded_times
from ..run import Run

if TYPE_CHECKING:
    import neo

UNIFORM = 1e-6
"""How much steps may differ from each other, as a fraction of the first one, in a signal that has a sampling rate."""


def nix(run: Run, file: Path) -> dict[str, Any]:
    """Write a file of NIX, in which Neo keeps all that a Block holds, and return how many segments it has."""
    import nixio  # noqa: F401 - so that its absence is noticed before a file is opened
    from neo.io import NixIO

    made = block(run)
    with NixIO(str(file), "ow") as opened:
        opened.write_block(made)
    return {"segments": len(made.segments)}


def nwb(run: Run, file: Path) -> dict[str, Any]:
    """Write a file of NWB, which keeps no annotations, and return how many segments it has."""
    import pynwb  # noqa: F401 - so that its absence is noticed before a file is opened
    from neo.io import NWBIO

    made = block(run)
    made.annotate(session_start_time=datetime.now(UTC), identifier=f"neuroeq {made.name}")
    made.annotate(notes="\n".join(f"{segment.name}: {segment.description}" for segment in made.segments))
    with _quiet():
        NWBIO(str(file), "w").write_all_blocks([made], validate=False)
    return {"segments": len(made.segments)}


def block(run: Run) -> neo.Block:
    """Return the recorded samples of a run as a Block of Neo.

    Raises
    ------
    SpecError
        If nothing is recorded.
    """
    import neo

    network = run.network
    made = neo.Block(name=network.name, description=f"{network.title}, on substrate {network.substrate_name}")
    made.annotate(network=network.name, substrate=network.substrate_name, seed=network.run.seed)
    samples = read_samples(run.folder)
    for when in recorded_times(run.folder):
        phases = read_segments(run.folder, when)
        for sample in samples:
            made.segments.append(_segment(run, phases, sample, when))
    if not made.segments:
        raise SpecError(f"{run.path}: no samples are recorded; train with --record samples=1 to record one.")
    made.check_relationships()
    return made


def _segment(run: Run, phases: list[Segment], sample: Sample, when: str) -> neo.Segment:
    """Return the response to a sample."""
    import neo

    said = sample.caption(when).partition(": ")[2]
    made = neo.Segment(name=f"{when} training, sample {sample.number}", description=said, index=sample.number)
    made.annotate(when=when, sample=sample.number, part=sample.part, example=sample.index)
    made.annotate(label=_plain(sample.label), prediction=_plain(sample.predictions.get(when)))
    made.annotations = {name: value for name, value in made.annotations.items() if value is not None}
    made.spiketrains.extend(list(_trains(run, phases, sample.number)))
    for signal in _signals(phases, sample.number):
        kept = made.analogsignals if isinstance(signal, neo.AnalogSignal) else made.irregularlysampledsignals
        kept.append(signal)
    starts, ends = (np.array([getattr(phase, name) for phase in phases]) for name in ("start", "end"))
    labels = np.array([phase.name for phase in phases])
    made.epochs.append(neo.Epoch(starts, ends - starts, labels, units="s", name=f"{made.name}, phases"))
    return made


def _trains(run: Run, phases: list[Segment], sample: int) -> Iterator[neo.SpikeTrain]:
    """Yield the spikes of each recorded unit, also of those that are silent."""
    import neo

    for layer in phases[0].spikes:
        t, unit = gathered_spikes(phases, sample, layer)
        end = max([phases[-1].end, *t])
        for number in phases[0].recorded.get(layer, range(run.network.layers[layer].size)):
            about = {"layer": layer, "unit": int(number)}
            yield neo.SpikeTrain(t[unit == number], end, units="s", name=f"{layer} {number}", **about)


def _signals(phases: list[Segment], sample: int) -> Iterator[neo.AnalogSignal | neo.IrregularlySampledSignal]:
    """Yield the states of each layer; one whose steps have several lengths is sampled irregularly."""
    import neo
    from quantities import second

    for layer, variables in phases[0].states.items():
        for name in variables:
            t, values, units, dimension = gathered_states(phases, sample, layer, name)
            about = {"name": f"{layer} {name}", "array_annotations": {"unit": units}}
            about |= {"units": _unit(dimension), "layer": layer, "variable": name, "dimension": dimension}
            steps = np.diff(t)
            if len(steps) and np.abs(steps - steps[0]).max() < UNIFORM * steps[0]:
                step = float(t[-1] - t[0]) / len(steps)
                yield neo.AnalogSignal(values, t_start=t[0] * second, sampling_period=step * second, **about)
            else:
                yield neo.IrregularlySampledSignal(t, values, time_units="s", **about)


def _unit(dimension: str) -> Any:
    """Return a unit of quantities; one that it has no name for is told by the annotation ``dimension`` alone."""
    import quantities

    try:
        return quantities.unit_registry[dimension] if dimension.isalpha() else quantities.dimensionless
    except LookupError:
        return quantities.dimensionless


def _plain(label: Any) -> Any:
    """Return a label as annotations hold it."""
    return ", ".join(map(repr, label)) if isinstance(label, tuple) else label


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the warnings that Neo logs about every name of a signal, and the handler that logging adds for them."""
    root, handler, level = logging.getLogger(), logging.NullHandler(), logging.root.manager.disable
    root.addHandler(handler)
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(level)
        root.removeHandler(handler)
