"""In-situ learning: synapses change by their own equations while a nudged phase runs.

    dw/dt = gain * hebb,   hebb = rho_i drho_j/dt + rho_j drho_i/dt   (or another rule of the synapse model)

The only local difference between the phases is whether synaptic change is allowed. Synapses transmit with the weights
that they had at the start of the phase, and the accumulated change is applied once, after the phases; or else the
weights move at every nudged step (continual Equilibrium Propagation), and the update that is returned is empty.

Scellier & Bengio 2017, Section 5, doi:10.3389/fncom.2017.00024; Ernoult et al. 2020, arXiv:2005.04168.
"""

from __future__ import annotations

from neuroeq.contract import Params, Substrate
from neuroeq.errors import SpecError

from .trial import Trial
from .update import Update


def in_situ(substrate: Substrate, trial: Trial) -> Update:
    """Return what the synapses have accumulated over the nudged phases.

    Raises
    ------
    SpecError
        If the substrate's synapses do not change by themselves.
    """
    plastic = substrate.as_plastic()
    if plastic is None:
        raise SpecError(
            f"{substrate.network.where}: training.learning is 'in_situ', and no synapse of substrate "
            f"'{substrate.network.substrate_name}' changes by itself; use 'contrastive'."
        )
    into = plastic.accumulator()

    def on_step() -> Params:
        assert trial.commit is not None
        trial.commit(plastic.shaped(into.take()))
        return plastic.weights

    free, nudged = trial.settle(
        plastic, plasticity=lambda gain: plastic.plasticity(into, gain, on_step if trial.commit else None)
    )
    return Update(plastic.shaped(into.take()), free, nudged)
