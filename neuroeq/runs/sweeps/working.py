"""The work of one process on a sweep: it claims one cell after the other, and does it, until all are done."""

from __future__ import annotations

import math
import time
from functools import partial
from typing import Any

from neuroeq.errors import SpecError

from ..interruption import interrupting
from ..records.files import FolderHeldError
from .claims import Claim, ClaimLostError
from .outcome import Guard, keep, keep_outcome, train_and_check
from .plan import Plan, Planned

POLL_S = 0.5
"""Time until a process looks again for cells that others have let go of [s]."""
DEATHS = 5
"""So many processes may die while they have a cell, without any progress; then it has failed."""


def work_through(plan: Plan, patience_s: float = math.inf) -> None:
    """Do all cells of a plan that no other process does, and wait for those.

    Parameters
    ----------
    plan
        The plan of the sweep.
    patience_s
        How long to wait for cells that other processes have [s].

    Raises
    ------
    Interrupted
        If it was asked to stop; a cell that is being trained leaves a checkpoint.
    OSError
        If something cannot be written.
    """
    left, since = plan.once, time.monotonic()
    with interrupting(plan.out):
        while left and time.monotonic() - since < patience_s:
            before = len(left)
            left = [planned for planned in left if plan.outcome(planned) is None and not do(plan, planned)]
            if len(left) == before:
                time.sleep(POLL_S)
            else:
                since = time.monotonic()
        for planned in plan.once:  # claims of processes that were killed when they were done
            if plan.outcome(planned) is not None and plan.claims.holder(planned.folder) is not None:
                do(plan, planned)


def do(plan: Plan, planned: Planned) -> bool:
    """Do a cell, unless another process has it; return whether it is done.

    Raises
    ------
    Interrupted
        If it was asked to stop; a cell that is being trained leaves a checkpoint.
    OSError
        If something cannot be written.
    """
    claim = plan.claims.take(planned.folder, plan.path(planned) / "checkpoint.npz")
    if claim is None:
        return False
    with claim.kept():
        if plan.outcome(planned) is not None:
            return True
        try:
            _do(plan, planned, claim)
        except (ClaimLostError, FolderHeldError):
            return False
    return True


def _do(plan: Plan, planned: Planned, claim: Claim) -> None:
    path = plan.path(planned)
    if claim.deaths >= DEATHS:
        keep(
            path, {"failure": f"{claim.deaths} processes that did this cell were killed.", "warnings": []}, claim.check
        )
        return
    try:
        keep_outcome(path, partial(_work, plan, planned, claim.check), claim.check)
    except (ClaimLostError, FolderHeldError, OSError, MemoryError):
        raise
    except Exception as error:  # one cell is not to stop the others
        keep(path, {"failure": f"{type(error).__name__}: {error}", "warnings": []}, claim.check)


def _work(plan: Plan, planned: Planned, guard: Guard) -> dict[str, Any]:
    _check_unchanged(plan, planned)
    shared, cell = plan.shared, planned.cell
    common = {"seed": cell.seed, "data_dir": shared.data_dir, "target": shared.target}
    options, alike = shared.options(cell, planned.values, planned.reference), plan.seeds(planned)
    return train_and_check(shared.described, plan.path(planned), options, common, shared.checked, guard, alike)


def _check_unchanged(plan: Plan, planned: Planned) -> None:
    """Refuse to do a cell whose files have changed since the plan was made.

    Raises
    ------
    SpecError
        If they have.
    """
    if plan.shared.digest(planned.cell, planned.values, planned.reference) not in planned.folder:
        raise SpecError(
            f"{plan.out}: cell {planned.folder} is another one by now, since network '{plan.shared.network}' or a file "
            "that it names has changed; make the plan anew with `neuroeq sweep NETWORK ... --plan`."
        )


def do_one(plan: Plan, index: int) -> Planned:
    """Do the cell of an index, as one job of an array does, and return it; it is not done if another process has it.

    Raises
    ------
    SpecError
        If there is no such cell.
    Interrupted
        If it was asked to stop; the same command goes on from its checkpoint.
    """
    if not 0 <= index < len(plan.cells):
        raise SpecError(f"INDEX is {index}; expected 0 to {len(plan.cells) - 1}, one of the cells of {plan.out}.")
    planned = plan.cells[index]
    if plan.outcome(planned) is None:
        with interrupting(plan.out):
            do(plan, planned)
    return planned
