"""Sweep: plan the cells, let workers do them, and put the results into one table."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from joblib import cpu_count

from neuroeq.describe.catalog import load_network, of_hardware
from neuroeq.describe.kinds import kind_of
from neuroeq.describe.spec import Network, setting
from neuroeq.describe.spec.files import Table
from neuroeq.errors import SpecError

from ..interruption import Interrupted, interrupting
from ..records import to_toml
from ..records.choice import single_part
from ..records.files import atomic, made, remove_empty
from ..training import with_data_found
from .cells import Cell, cells_of
from .cluster import Cluster, run_on
from .grid import Drawn, factors_of, points_of
from .outcome import CELL
from .plan import NETWORK, PLAN, Plan, Shared, own_network, planned_cells, read_plan
from .table import Sweep, collected, write_csv
from .values import plain, text_of_value
from .workers import run_all
from .working import work_through

Watch = Callable[[Plan, int], AbstractContextManager[Any]]
"""A function of a plan and the number of workers that returns a context manager, which shows the progress."""
Vary = Mapping[str, Sequence[Any]] | Sequence[str]
"""Keys and their values, or texts such as ``"phases.beta=0.05,0.1"``."""


def plan_sweep(
    network: Network | str | Path,
    vary: Vary = (),
    *,
    zipped: Vary = (),
    drawn: Drawn | None = None,
    sets: str | Path | None = None,
    on: str | Sequence[str] = (),
    seeds: int = 1,
    epochs: int | None = None,
    quick: bool = False,
    settings: Sequence[str | Table] = (),
    ideal: Sequence[str] = (),
    data_dir: str | Path | None = None,
    target: str | None = None,
    checked: bool = True,
    references: bool = True,
    out: str | Path | None = None,
) -> Plan:
    """Plan a sweep: look at every cell, and write `plan.json` into the folder of the sweep.

    Parameters
    ----------
    network
        A network, or its name or path.
    vary
        Keys that vary each alone, with their values: ``{"phases.beta": [0.05, 0.1]}``.
    zipped
        Keys that vary in step, each with as many values.
    drawn
        Points that are drawn at random.
    sets
        A CSV file with a point in each row and a key in each column.
    on
        The substrates, with the hardware of circuits; the first one in the network's file if left out.
    seeds
        The number of trainings of each cell, with seeds counted from 0.
    epochs
        The number of epochs, instead of that of the network.
    quick
        Whether to train half the epochs, but at least 2, on at most 500 examples.
    settings
        Changes to the network that all cells share; those of the hardware apply to circuits only.
    ideal
        Parts of the hardware to idealise, on circuits.
    data_dir, target
        The same as for `train`.
    checked
        Whether the update of each cell is compared with the gradient, before and after training.
    references
        Whether the unvaried network is trained on each substrate too, without hardware, to compare with.
    out
        The folder; ``runs/sweep-NETWORK`` if left out. Cells that it holds are kept.

    Raises
    ------
    NeuroeqError
        If something that is named does not exist, or any of the cells is not valid.
    """
    described = network if isinstance(network, Network) else load_network(network)
    factors = factors_of(_texts(vary), _texts(zipped), drawn, sets)
    on = on.split(",") if isinstance(on, str) else on
    cells = [_whole(cell) for cell in cells_of(on or [next(iter(described.substrate))], seeds)]
    _check_hardware_keys([key for factor in factors for key in factor.keys], cells)
    name = f"sweep-{described.name}{'-quick' if quick else ''}"
    folder = Path(out) if out is not None else Path("runs") / single_part(name, described.where)
    where = own_network(folder) if isinstance(network, Network) else _named(str(network))
    data = None if data_dir is None else str(Path(data_dir).resolve())
    shared = Shared(where, tuple(map(plain, settings)), tuple(ideal), epochs, quick, data, target, checked, described)
    planned = tuple(planned_cells(shared, points_of(factors), cells, references))
    dimensions, sizes = {each.name: each.keys for each in factors}, tuple(len(each.points) for each in factors)
    plan = Plan(folder, described.name, described.title, shared, dimensions, sizes, planned)
    _check_folder(plan)
    absent = [] if os.path.isdir(folder) else made(folder)
    try:
        if isinstance(network, Network):
            atomic(folder / NETWORK, to_toml(with_data_found(network, data)))
        plan.write()
    finally:
        remove_empty(absent)
    return plan


def sweep(
    network: Network | str | Path,
    vary: Vary = (),
    *,
    jobs: int | None = None,
    cluster: Cluster | None = None,
    retry: bool = False,
    watch: Watch | None = None,
    **options: Any,
) -> Sweep:
    """Train a network in many cells, each with other values of what is varied.

    Parameters
    ----------
    network, vary, options
        The same as for `plan_sweep`.
    jobs
        The number of trainings side by side; as many as there are cores if left out.
    cluster
        The cluster whose jobs do the cells, instead of processes on this machine.
    retry
        Whether cells that have failed before are done again.
    watch
        A function that returns a context manager, which shows the progress of the cells.

    Returns
    -------
    Sweep

    Raises
    ------
    NeuroeqError
        If something that is named does not exist, any of the cells is not valid, or none could be trained.
    Interrupted
        After Ctrl-C, SIGTERM or SIGHUP; the same call goes on with the sweep.
    """
    plan = plan_sweep(network, vary, **options)
    return run_plan(plan, jobs=jobs, cluster=cluster, retry=retry, watch=watch)


def run_plan(
    plan: Plan,
    *,
    jobs: int | None = None,
    cluster: Cluster | None = None,
    retry: bool = False,
    watch: Watch | None = None,
) -> Sweep:
    """Do all cells of a plan, and write the table; the parameters and errors are those of `sweep`."""
    if retry:
        for planned in plan.once:
            if "failure" in (plan.outcome(planned) or {}):
                (plan.path(planned) / CELL).unlink()
    workers = min(jobs or (cluster.jobs if cluster else cpu_count()), len(plan.once))
    try:
        with nullcontext() if watch is None else watch(plan, workers), interrupting(plan.out):
            if cluster is not None:
                run_on(cluster, plan, workers)
            else:
                run_all([(work_through, (plan,))] * workers, workers, [str(plan.out)] * workers, again=True)
    except Interrupted as interruption:
        write_csv(collected(plan))
        raise Interrupted(plan.out, interruption.number) from None
    done = collected(plan)
    write_csv(done)
    if not done.count("done"):
        raise SpecError(
            "no cell could be trained, and only --retry tries them again; the first one failed because: "
            f"{done.rows[0]['message']}"
        )
    return done


def _texts(vary: Vary) -> list[str]:
    """Return keys and values as options have them."""
    if not isinstance(vary, Mapping):
        return list(vary)
    return [f"{key}={','.join(map(text_of_value, values))}" for key, values in vary.items()]


def _check_hardware_keys(keys: Sequence[str], cells: Sequence[Cell]) -> None:
    """Refuse to vary hardware where no cell has any."""
    circuits = any(kind_of(cell.substrate).hardware for cell in cells)
    for key in keys:
        if not circuits and of_hardware(setting(f"{key}=0")):
            names = ", ".join(dict.fromkeys(cell.name for cell in cells))
            raise SpecError(f"'{key}' is varied, but {names} has no hardware; name a circuit, as in --on crossbar:pcm.")


def _whole(cell: Cell) -> Cell:
    """Return a cell that names the file of its hardware in full."""
    return cell if cell.hardware is None else replace(cell, hardware=_named(cell.hardware))


def _named(network: str) -> str:
    """Return a name as it is, and a path in full, so that it is valid from everywhere."""
    return str(Path(network).resolve()) if Path(network).is_file() else network


def _check_folder(plan: Plan) -> None:
    """Refuse a folder that holds the sweep of another network, or a plan of another version."""
    if (plan.out / PLAN).exists() and (name := read_plan(plan.out).name) != plan.name:
        raise SpecError(f"--out {plan.out}: holds a sweep of network '{name}'; choose another folder.")
