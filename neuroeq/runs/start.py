"""The weights of another run as those that a training starts from: to go on, to tune finely, or on other data."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neuroeq.contract import Params
from neuroeq.describe.network import mask
from neuroeq.describe.params import param_shapes
from neuroeq.describe.spec import Network
from neuroeq.errors import SpecError

from .records import RunFolder
from .run import Run
from .transfer import SHARED


def path_of(run: Run | str | Path) -> str:
    """Return the whole path of a run to start from, as run.toml keeps it.

    Raises
    ------
    SpecError
        If the run is kept in memory.
    """
    if isinstance(run, Run) and run.memory is not None:
        raise SpecError("start_from is a run in memory, which run.toml cannot name; train it with keep=True.")
    return str(Path(run.path if isinstance(run, Run) else run).resolve())


def starting_params(network: Network) -> Params:
    """Return the parameters that a network starts from by its ``run.start_from``; nothing if they are to be drawn.

    Raises
    ------
    SpecError
        If there is no such run, its weights mean something else here, or one of its arrays has another shape.
    """
    if network.run.start_from is None:
        return {}
    path = Path(network.run.start_from)
    if not path.is_dir():
        raise SpecError(f"--start-from {path}: there is no such folder; name that of a run, or leave it out.")
    folder = RunFolder(path)
    own, other = network.substrate_name, folder.description().substrate_name
    if own != other and not {own, other} <= set(SHARED):
        raise SpecError(
            f"--start-from {path}: was trained on substrate '{other}', whose weights mean something else on '{own}'; "
            "name a run on the same substrate."
        )
    params, shapes = folder.load().params, param_shapes(network)
    for name in sorted(shapes.keys() | params.keys()):
        found = params[name].shape if name in params else None
        if shapes.get(name) != found:
            raise SpecError(
                f"--start-from {path}: parameter '{name}' has shape {found}, and {shapes.get(name)} in "
                f"{network.where}; a training starts from a run whose layers and projections are the same."
            )
    precision = network.physics.precision
    return {name: np.where(_kept(network, name), value, 0).astype(precision) for name, value in params.items()}


def _kept(network: Network, name: str) -> np.ndarray:
    """Return which parameters of an array there are here, where connections are left out at random."""
    connected = mask(network, name) if name in network.projections else None
    return np.array(True) if connected is None else connected
