"""What a run records of a few samples: which samples, and which units of which layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from neuroeq.errors import SpecError

from ..selection import ALL, check_text, selected
from .base import Count, Spec
from .graph import Layer

SAMPLES = 2
"""How many samples are recorded where nothing is said."""
KEYS = ("layer", "units", "class", "samples", "index", "part")
"""The keys of ``--record``."""
Index = Annotated[int, Field(ge=0, le=1_000_000_000)]


class Record(Spec):
    """What a run records, before and after training: phases of a few samples, with states and spikes at every step.

    Parameters
    ----------
    samples
        How many samples to record; 2 if left out.
    index
        Which samples, by their place in the part; if left out, the first ones, of different classes where there are
        enough.
    label
        The class of the samples, ``class`` in a file; any if left out.
    part
        The part of the data that samples are from: ``train``, ``validation`` or ``test``; the last of these that the
        protocol has if left out.
    layers
        The layers to record and the units of each, such as ``{hidden = "0:20", output = "all"}``; all units of all
        layers if left out.
    """

    samples: Annotated[Count, Field(le=1000)] | None = None
    index: Annotated[
        tuple[Index, ...], BeforeValidator(lambda value: (value,) if isinstance(value, int) else value)
    ] = ()
    label: Annotated[str, BeforeValidator(str)] | None = Field(default=None, alias="class")
    part: Literal["train", "validation", "test"] | None = None
    layers: dict[str, Annotated[str, AfterValidator(check_text)]] = {}

    @model_validator(mode="after")
    def _chosen_once(self) -> Self:
        if self.index and (self.label is not None or self.samples is not None):
            other = "samples" if self.label is None else "class"
            raise ValueError(f"gives index and {other}; index says which samples, so leave {other} out")
        if len(set(self.index)) < len(self.index):
            raise ValueError("names a sample twice in index; name each once")
        return self

    @property
    def how_many(self) -> int:
        """The number of samples to record, if the part has so many."""
        return len(self.index) or self.samples or SAMPLES


def check_record(record: Record, layers: Mapping[str, Layer]) -> None:
    """Refuse a record of layers or units that do not exist.

    Raises
    ------
    ValueError
        At the first of them.
    """
    for layer, units in record.layers.items():
        if layer not in layers:
            raise ValueError(f"record.layers names '{layer}'; the layers are {', '.join(layers)}")
        try:
            selected(units, layers[layer].size, f"record.layers.{layer}")
        except SpecError as error:
            raise ValueError(str(error)) from None


def recording(words: Sequence[str]) -> dict[str, Any]:
    """Return the table ``record`` that texts such as ``"layer=hidden,units=0:20,class=3,samples=5"`` stand for.

    Parameters
    ----------
    words
        Texts, each with keys of the table and values; or with a layer and its units, all of them if left out.

    Raises
    ------
    SpecError
        If a text is not made of such keys and values.
    """
    table: dict[str, Any] = {}
    for text in words:
        given: dict[str, str] = {}
        for part in text.split(","):
            key, equals, value = (each.strip() for each in part.partition("="))
            if not (equals and value) or key not in KEYS or key in given:
                raise SpecError(
                    f"--record {text}: expected KEY=VALUE,... with each of the keys {', '.join(KEYS)} once."
                )
            given[key] = value
        layer, units = given.pop("layer", None), given.pop("units", ALL)
        if layer is None and units != ALL:
            raise SpecError(f"--record {text}: has units and no layer; name it, such as layer=hidden,units={units}.")
        if layer is not None:
            table.setdefault("layers", {})[layer] = units
        for key, value in given.items():
            table[key] = value.split("+") if key == "index" else value
    return table
