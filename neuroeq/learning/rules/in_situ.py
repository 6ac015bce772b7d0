"""In-situ learning: the synapses' own equations change them while a nudged phase runs.

    dw/dt = gain * hebb,   hebb = rho_i drho_j/dt + rho_j drho_i/dt   (or what else the synapse model says)

The only local difference between the phases is whether synaptic change is allowed. Transmission uses the weights held
at the start of the phase, and what has accumulated is committed once, after the phases; or the weights move at every
nudged step (continual Equilibrium Propagation), and the update that is returned is empty.

Scellier & Bengio 2017, Section 5, doi:10.3389/fncom.2017.00024; Ernoult et al. 2020, arXiv:2005.04168.
"""

from __future__ import annotations

from neuroeq.contract import Params
from neuroeq.physics.engine import Accumulator, Plasticity
from neuroeq.physics.substrates import NeuronSubstrate

from .lesson import Lesson
from .update import Update


def in_situ(substrate: NeuronSubstrate, lesson: Lesson) -> Update:
    """Return what the synapses have accumulated over the nudged phases."""
    free, into = lesson.relax(substrate), Accumulator(substrate.simulation.edges)

    def on_step() -> Params:
        assert lesson.commit is not None
        lesson.commit(substrate.shaped(into.take()))
        return substrate.weights

    nudged = tuple(
        substrate.relax(
            lesson.inputs,
            lesson.nudge(beta, free),
            free.resume,
            stop=lesson.nudged,
            plasticity=Plasticity(into, gain, on_step if lesson.commit else None),
            record=lesson.record,
            rng=lesson.rng,
        )
        for beta, gain in lesson.nudges
    )
    return Update(substrate.shaped(into.take()), free, nudged)
