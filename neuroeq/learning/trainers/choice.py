"""The choice of a network's trainer: the first that allows the network and is worth its preparation, and why."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from neuroeq.describe.spec import Network
from neuroeq.errors import NeuroeqWarning, SpecError
from neuroeq.physics.substrates import engine_of
from neuroeq.registry import TRAINERS

from .contract import Setup, Trainer
from .saving import pays_from

PHASES = "compiled_phases"
"""The trainer of the engine ``"compiled"`` for networks whose batches are not learned in compiled code as a whole."""
SHARING = "compiled"
"""The trainer that shares large layers among threads."""
EVER = 10**12
"""Samples of a training that is long enough for anything."""
LAST = "stepwise"
"""The trainer that allows every network, and is used if no other one can be."""


@dataclass(frozen=True)
class Choice:
    """The trainer of a network, and why it is this one.

    Parameters
    ----------
    trainer
        Its name in `neuroeq.registry.TRAINERS`.
    reasons
        Sentences that say why the trainers that were considered before it are not used, by their names.
    """

    trainer: str
    reasons: Mapping[str, tuple[str, ...]]


def choose(
    network: Network, samples: int, target: str = "numpy", trainer: str | None = None, without: Collection[str] = ()
) -> Choice:
    """Return the trainer of a network; nothing is compiled yet.

    Parameters
    ----------
    network
        The resolved network. If it asks for the engine ``"compiled"``, it asks for the trainer of that name.
    samples
        The number of samples of the whole training: examples times epochs.
    target
        What equations are compiled to, ``"cython"`` or ``"numpy"``, as `use_target` returned it.
    trainer
        Name of the trainer that the user asks for; None to choose one.
    without
        Names of trainers that are not used unless the user asks for them.

    Raises
    ------
    SpecError
        If the trainer that is asked for does not allow the network; the message says why.
    UnknownNameError
        If there is no trainer of that name.
    """
    asked = trainer or ("compiled" if network.run.engine == "compiled" else None)
    if asked is not None:
        refused = tuple(TRAINERS.get(asked).reasons(network))
        if refused and trainer is None and not tuple(TRAINERS.get(PHASES).reasons(network)):
            return Choice(PHASES, {asked: refused})
        for reason in refused:
            raise SpecError(
                f"{network.where}: {reason}, which the {asked} trainer does not do; use --engine {_own(network)}."
            )
        return Choice(asked, {})
    reasons: dict[str, tuple[str, ...]] = {}
    for name in (*(each for each in TRAINERS.names() if each not in (LAST, *without)), LAST):
        candidate = TRAINERS.get(name)
        reasons[name] = tuple(candidate.reasons(network)) or tuple(candidate.drawbacks(network, samples, target))
        if not reasons[name]:
            return Choice(name, {each: why for each, why in reasons.items() if why})
    raise AssertionError(f"'{LAST}' allows every network")


def prepare(network: Network, samples: int, target: str, trainer: str | None = None, alike: int = 1) -> str:
    """Choose the trainer of a network and compile what it needs; return its name.

    If a trainer that the user did not ask for cannot be compiled here, the next one is tried, with a warning.

    Parameters
    ----------
    network, samples, target, trainer
        The same as for `choose`.
    alike
        The number of such trainings, which share what is compiled, so that it is worth more.

    Raises
    ------
    SpecError
        If the trainer that is asked for does not allow the network, or cannot be compiled; or if several threads are
        asked for and the trainer has one.
    """
    failed: list[str] = []
    while True:
        name = choose(network, samples * alike, target, trainer, failed).trainer
        if network.run.threads > 1 and name != SHARING:
            raise SpecError(
                f"{network.where}: run.threads is {network.run.threads}, but it learns with the trainer '{name}', "
                "which has one thread; use --engine compiled where it is allowed, or --threads 1."
            )
        try:
            TRAINERS.get(name).prepare(network, samples)
            return name
        except SpecError as error:
            if network.run.engine == "compiled" or name in (trainer, LAST):
                raise
            failed += [name, PHASES] if name == "compiled" else [name]  # which needs the same library
            warnings.warn(f"the {name} trainer is not used, since {error}", NeuroeqWarning, stacklevel=2)


def start(name: str, setup: Setup) -> Trainer:
    """Return a trainer that is ready to learn."""
    return TRAINERS.get(name)(setup)


def title(name: str, samples: int) -> str:
    """Return the name that result.json gives to a trainer in a training of `samples` samples."""
    return TRAINERS.get(name).title(samples)


def explained(network: Network) -> str:
    """Return a line that names the trainer of a resolved network, and says why others of its substrate are not used."""
    long, short = choose(network, EVER, "cython"), choose(network, 0, "cython")
    chosen = long.trainer
    if long.trainer != short.trainer:
        chosen = f"{long.trainer} (from {_rounded(pays_from(network)):,} samples), {short.trainer} below"
    substrate = f"substrate is '{network.substrate_name}'"
    others = [f"not {name} because: {', '.join(why)}" for name, why in long.reasons.items() if substrate not in why]
    return "; ".join([chosen, *others])


def _rounded(number: int) -> int:
    """Return a number with two digits that are not 0."""
    return int(float(f"{number:.2g}"))


def _own(network: Network) -> str:
    """Return the engine that takes a network which the trainer that was asked for does not."""
    engine = engine_of(network)
    return network.kind.engine if engine == "compiled" else engine
