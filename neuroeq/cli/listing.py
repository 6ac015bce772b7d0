"""`neuroeq list`: what the catalog holds."""

from __future__ import annotations

from typing import Annotated

import typer

from ..errors import unknown_name
from .output import Json, print_json


def list_names(
    kind: Annotated[str, typer.Argument(help="networks, neurons, synapses or hardware.")],
    as_json: Json = False,
) -> None:
    """List the networks, neurons, synapses or hardware there are, the user's own included.

    Example: neuroeq list neurons
    """
    from .. import catalog

    kinds = {folder: each for each, folder in catalog.FOLDERS.items()}
    if kind not in kinds:
        raise unknown_name("kind", kind, kinds, f"There are: {', '.join(kinds)}.")
    found = [{"name": name, "title": catalog.title(kinds[kind], name)} for name in catalog.names(kinds[kind])]
    if as_json:
        print_json(found)
        return
    if not found:
        print(f"no {kind}")
        return
    width = max(len(each["name"]) for each in found)
    for each in found:
        print(f"{each['name']:<{width}}  {each['title']}")
