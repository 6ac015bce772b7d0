"""The state of a training as the arrays of a checkpoint, with a digest of them, and back again, checked.

A checkpoint that is cut, garbled or of another network is told from a good one: its arrays have a digest, all parts are
there, and parameters have the shapes of the network's and finite numbers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from neuroeq.data.archive import ArchiveError, npz_bytes, read_arrays
from neuroeq.describe.params import param_shapes
from neuroeq.describe.spec import Network
from neuroeq.errors import SpecError
from neuroeq.learning.state import NOISE, State, Tally

Array = np.ndarray
PARTS = ("params", "velocity", "devices", "particles", "start")
"""The parts of a state that are arrays by name."""
PLACE = ("epoch", "batch", "cpu_s", "wall_s", "trainer", "wire_error", "full_scales", "stopped_at", "noise")
"""What else it has, but for its history and its tally."""


def checkpoint_bytes(state: State) -> bytes:
    """Return the content of a checkpoint."""
    arrays = {f"{part}/{name}": np.asarray(each) for part in PARTS for name, each in getattr(state, part).items()}
    arrays |= {f"history/{name}": np.array(rows) for name, rows in state.history.items()}
    arrays["history_at"] = np.array(state.history_at)
    place = {name: getattr(state, name) for name in PLACE}
    arrays["place"] = np.array(json.dumps({**place, "tally": asdict(state.tally)}))
    return npz_bytes({**arrays, "digest": np.array(_digest(arrays))})


def read_checkpoint(path: Path, network: Network) -> State:
    """Read a checkpoint.

    Parameters
    ----------
    path
        The file to read, whatever it holds.
    network
        The resolved network that was trained.

    Raises
    ------
    ArchiveError
        If the file is missing or damaged.
    SpecError
        If it is whole, but holds the parameters of another network, or numbers that are not finite.
    """
    arrays = read_arrays(path)
    if "digest" in arrays and str(arrays.pop("digest")) != _digest(arrays):
        raise ArchiveError("its digest is that of other content")
    try:
        place = current(json.loads(str(arrays["place"])))
        state = State(
            params=_under("params", arrays),
            velocity=_under("velocity", arrays),
            devices=_under("devices", arrays),
            particles=_under("particles", arrays),
            start=_under("start", arrays),
            tally=Tally(**place["tally"]),
            history={name: list(rows) for name, rows in _under("history", arrays).items()},
            history_at=list(arrays["history_at"]),
            **{name: place[name] for name in PLACE},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArchiveError(f"it lacks what a checkpoint holds: {error}") from None
    _check(path, state, network)
    return state


def check_noise(state: State, network: Network, where: Path) -> None:
    """Refuse to go on from a checkpoint of a network whose units, or whose pruning, draw other random numbers now.

    Raises
    ------
    SpecError
        If they do.
    """
    models = {model.name: model for layer in network.layers if (model := network.neuron(layer)) is not None}
    noisy = [f"neuron '{name}'" for name, model in sorted(models.items()) if model.random]
    noisy += ["training.prune"] if network.training.prune else []
    if noisy and state.noise != NOISE:
        raise SpecError(
            f"{where}: {noisy[0]} drew other random numbers when it was written, so the run cannot go on as "
            "it began; evaluate it as it is, or train the network anew."
        )


def current(place: dict[str, Any]) -> dict[str, Any]:
    """Return the place of a training, updated from older versions.

    Version 0.1 named an engine, examined every free phase, solved wires exactly, and drew other random numbers. Earlier
    ones than this counted wrong classes only.
    """
    trainer = "compiled" if place.get("engine") == "compiled" else None
    tally = {"looked_at": place["tally"]["examples"], **place["tally"]}
    if "wrong" in tally:
        tally["misses"] = [tally.pop("wrong")]
    since: dict[str, Any] = {"wire_error": None, "full_scales": {}, "stopped_at": None, "noise": 0}
    return {"trainer": trainer, **since, **place, "tally": tally}


def _check(path: Path, state: State, network: Network) -> None:
    """Refuse parameters that are not those of the network, and numbers that are not finite."""
    wanted = param_shapes(network)
    found = {name: value.shape for name, value in state.params.items()}
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            raise SpecError(
                f"{path}: parameter '{name}' has shape {found.get(name)}; expected {wanted.get(name)}, as run.toml "
                "describes the network; put the former run.toml back."
            )
    for part in PARTS:
        for name, value in getattr(state, part).items():
            if value.dtype.kind not in "fiub" or (part == "params" and value.dtype.kind != "f"):
                raise SpecError(f"{path}: {part} of '{name}' are of type {value.dtype}; expected real numbers.")
            if not np.isfinite(value).all():
                raise SpecError(
                    f"{path}: {part} of '{name}' are not finite, so the training has diverged; train anew with smaller "
                    "learning rates."
                )


def _digest(arrays: Mapping[str, Array]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(arrays):
        value = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {value.dtype.str} {arrays[name].shape} ".encode())
        digest.update(value.tobytes())
    return digest.hexdigest()


def _under(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {name.removeprefix(f"{prefix}/"): value for name, value in arrays.items() if name.startswith(f"{prefix}/")}
