"""What a cell is trained with: the settings that its substrate has, its data, epochs and examples of a quick look."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neuroeq.data.sources import fingerprint
from neuroeq.describe.catalog import as_change, of_hardware, resolve
from neuroeq.describe.kinds import kind_of
from neuroeq.describe.spec import Network
from neuroeq.describe.spec.files import Table
from neuroeq.learning.trainers.allowed import DESCRIPTION

from ..records.choice import settings_of

QUICK_EXAMPLES = 500
"""The largest number of training examples of a quick look."""


def recipe(
    network: Network | str | Path,
    substrate: str,
    hardware: str | None,
    settings: Sequence[str | Table],
    ideal: Sequence[str],
    epochs: int | None = None,
    quick: bool = False,
) -> dict[str, Any]:
    """Return substrate, hardware, ideal parts and settings of a cell, as `train` and `resolve` take them.

    Parameters
    ----------
    network
        A network, or its name or path.
    substrate, hardware
        The substrate of the cell, and the hardware of a circuit.
    settings, ideal
        Changes to the network, and parts of the hardware to idealise; those of the hardware apply to circuits only.
    epochs
        The number of epochs, instead of that of the network.
    quick
        Whether to train half the epochs, but at least 2, on at most `QUICK_EXAMPLES` examples.

    Raises
    ------
    NeuroeqError
        If the network cannot be resolved for the substrate with these settings.
    """
    circuit = kind_of(substrate).hardware
    kept = [each for each in settings if circuit or not of_hardware(as_change(each))]
    options: dict[str, Any] = {"substrate": substrate, "hardware": hardware, "ideal": ideal if circuit else ()}
    changes: Table = {}
    if quick:
        resolved = resolve(network, settings=kept, **options)
        changes["data"] = {"limit": min(resolved.data.limit or QUICK_EXAMPLES, QUICK_EXAMPLES)}
        changes["training"] = {"epochs": max(2, resolved.training.epochs // 2)}
    if epochs is not None:
        changes["training"] = {"epochs": epochs}
    return {**options, "settings": [*kept, *([changes] if changes else [])]}


def content_of(network: Network, data_dir: str | Path | None) -> dict[str, Any]:
    """Return the settings of a resolved network that make a difference, with a digest in place of the name of its data.

    Parameters
    ----------
    network
        The network, resolved for its cell.
    data_dir
        The folder of data sets; the network's own if left out.

    Raises
    ------
    DataError
        If its data are not there.
    """
    aside = (*DESCRIPTION, "explained", "expected")
    content = {key: value for key, value in settings_of(network).items() if key not in aside}
    if data := fingerprint(network.data.name, data_dir or network.run.data_dir, network.path):
        content["data"]["name"] = data
    return content
