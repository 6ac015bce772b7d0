"""Tables of a file with a key, such as `model`, that says what they describe, by a name of a registry.

[neuron.nonlinearity]
model = "shockley"        # looked up in DIODES; the other keys are those of a Shockley diode
i_s = "4.352 nA"
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import PydanticCustomError

from neuroeq.errors import SpecError, unknown_name
from neuroeq.registry import Registry

from .base import Spec


def table_of(
    registry: Registry[Any],
    *bases: type[Spec],
    key: str = "model",
    described_by: Callable[[Any], Any] = lambda part: part,
) -> Callable[[object], object]:
    """Return a validator that reads a table as the description that one of its keys asks for.

    Parameters
    ----------
    registry
        The registry in which the name is looked up.
    bases
        Base classes of the descriptions; each description must be derived from one of them.
    key
        The key of the table with the name, which is also a field of each description.
    described_by
        A function that returns the description of a part of the registry. By default the part is a description itself.

    Returns
    -------
    Callable
        A function for pydantic's `BeforeValidator`. It leaves anything but a table as it is.
    """

    def read(value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        name = str(value.get(key, ""))
        if name not in registry:
            expected = ", ".join(map(repr, registry.names()))
            context = {"discriminator": f"'{key}'", "expected_tags": expected}
            raise PydanticCustomError("union_tag_invalid", "expected one of {expected_tags}", context)
        description = described_by(registry.get(name))
        if not (isinstance(description, type) and issubclass(description, bases)):
            wanted = " or ".join(base.__name__ for base in bases)
            raise SpecError(f"{registry.kind} '{name}' is described by {description!r}; derive that from {wanted}.")
        if key not in description.model_fields:
            raise SpecError(
                f"{registry.kind} '{name}': {description.__name__} has no field for its name; give it "
                f"{key}: Literal['{name}']."
            )
        _refuse_unknown_keys(value, description)
        return description.model_validate(value)

    return read


def _refuse_unknown_keys(table: Mapping[str, object], description: type[Spec]) -> None:
    allowed = sorted(field.alias or name for name, field in description.model_fields.items())
    for key in table:
        if key not in allowed:
            hint = f"Allowed here: {', '.join(allowed)}."
            raise ValueError(f"has {unknown_name('key', key, allowed, hint)}")
