"""Random numbers as a function of a key and a place: those that units draw at every step, and that pruning draws.

They are the same in every engine.

    block b, step t, variable v:   Philox4x32-10 with counter (b, t, v, 0) and the key of the phase gives four words
    rand():    u = (word/2^9, rounded down, + 1/2)/2^23
    randn():   sqrt(-2 ln u_0) cos(2 pi u_1), and with sin the next one

A variable is known by its layer and its name, so that other noise that is switched on shifts none.
The numbers of n units are the first words of all n/4 blocks, then the second ones, and so on.

Salmon, Moraes, Dror & Shaw 2011, Parallel random numbers: as easy as 1, 2, 3, SC '11; Box & Muller 1958.
"""

from __future__ import annotations

import re
from zlib import crc32

import numpy as np

from neuroeq.describe.spec import NeuronModel
from neuroeq.describe.spec.model import RANDOM

Array = np.ndarray
CALL = re.compile(r"\brandn?\(\)")
XI = re.compile(r"\b(?P<name>xi\w*) = dt\*\*\.5 \* randn\(\)")
"""What Brian2 writes for a noise of an equation."""
PREFIX = "neuroeq_noise_"
"""What begins the names of the variables that hold random numbers."""
MULTIPLIERS, WEYL = (0xD2511F53, 0xCD9E8D57), (0x9E3779B9, 0xBB67AE85)
ROUNDS, WORD = 10, 0xFFFFFFFF
PRUNE = "prune"
"""The name under which a projection draws the numbers that decide which of its edges are removed."""


def calls(model: NeuronModel) -> dict[str, str]:
    """Return the random numbers of a model's statements by the variable that stands for each: rand() or randn()."""
    return {f"{PREFIX}{index}": call for index, call in enumerate(CALL.findall(_statements(model)))}


def noises(model: NeuronModel) -> dict[str, str]:
    """Return all random numbers of a unit and step, with those of the model's equations: rand() or randn()."""
    found = sorted(set(re.findall(r"\bxi\w*\b", model.equations)))
    return calls(model) | {f"{PREFIX}{name}": "randn()" for name in found}


def drawn_by_brian(model: NeuronModel) -> bool:
    """Whether a model draws random numbers of another kind, or in another place, which Brian2 then draws."""
    statements = CALL.sub("", _statements(model))
    equations = re.sub(r"\bxi\w*\b", "", model.equations)
    others = (*model.components.values(), model.readout or "", model.refractory or "")
    return RANDOM.search("\n".join((statements, equations, *others))) is not None


def _statements(model: NeuronModel) -> str:
    return "\n".join(filter(None, (model.after_step, model.threshold, model.reset)))


def named(text: str | None, names: list[str]) -> str | None:
    """Return statements in which variables stand for the random numbers; the names that are used are removed."""
    return text and CALL.sub(lambda _: names.pop(0), text)


def number_of(layer: str, name: str) -> int:
    """Return the number of a variable of a layer, or of a projection, in the counter."""
    return crc32(f"{layer} {name}".encode())


def draw(out: Array, kind: str, key: int, step: int, number: int) -> None:
    """Fill an array with the random numbers of some steps.

    Parameters
    ----------
    out
        The numbers of all units, (n,), or of all units in each of some steps, (steps, n), which are set.
    kind
        What is drawn, ``"rand()"`` or ``"randn()"``.
    key
        The key of the phase, of 64 bits.
    step, number
        The number of steps from the start of the free phase to the first of these, and that of the variable.
    """
    steps, n = np.atleast_2d(out).shape
    blocks = -(-n // 4)
    counted = np.repeat(np.arange(step, step + steps, dtype=np.uint64) & np.uint64(WORD), blocks)
    words = philox(np.tile(np.arange(blocks, dtype=np.uint64), steps), counted, number, key)
    u = ((words >> np.uint64(9)).astype(float) + 0.5) * 2.0**-23
    if kind == "randn()":
        radius, angle = np.sqrt(-2 * np.log(u[::2])), 2 * np.pi * u[1::2]
        u[::2], u[1::2] = radius * np.cos(angle), radius * np.sin(angle)
    of_steps = u.reshape(4, steps, blocks).swapaxes(0, 1).reshape(steps, 4 * blocks)
    out[...] = of_steps[:, :n].reshape(out.shape)


def philox(block: Array, step: Array | int, number: int, key: int) -> Array:
    """Return the four words of each block, with its step or that of all, as integers of 64 bits: (4, n)."""
    counter = [block, *(np.broadcast_to(np.uint64(value), block.shape) for value in (step, number, 0))]
    keys = [key & WORD, key >> 32]
    for _ in range(ROUNDS):
        first, second = (np.uint64(factor) * counter[i] for factor, i in zip(MULTIPLIERS, (0, 2), strict=True))
        counter = [
            (second >> np.uint64(32)) ^ counter[1] ^ np.uint64(keys[0]),
            second & np.uint64(WORD),
            (first >> np.uint64(32)) ^ counter[3] ^ np.uint64(keys[1]),
            first & np.uint64(WORD),
        ]
        keys = [(each + odd) & WORD for each, odd in zip(keys, WEYL, strict=True)]
    return np.stack(counter)
