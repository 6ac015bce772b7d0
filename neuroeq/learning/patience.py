"""When a training ends early: its best epoch lies more epochs back than its patience lasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def exhausted(rows: Sequence[Mapping[str, float]], patience: int | None) -> bool:
    """Return whether none of the last `patience` epochs was better than the best one before them.

    Parameters
    ----------
    rows
        The metrics of all epochs so far. The validation error counts, or the training loss where there is none.
    patience
        How many epochs a training goes on without a better one; None for any number.
    """
    if patience is None or len(rows) <= patience:
        return False
    key = "validation_error" if "validation_error" in rows[-1] else "train_loss"
    values = [row[key] for row in rows]
    return min(values[-patience:]) >= min(values[:-patience])
