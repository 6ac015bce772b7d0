"""What all descriptions share: they are frozen, refuse unknown keys, and read physical values with their units."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PrivateAttr,
    ValidationError,
)
from pydantic_core import ErrorDetails

from neuroeq.errors import SpecError, given, unknown_name
from neuroeq.units import KINDS, si, symbol_of, text_of

S = TypeVar("S", bound="Spec")
Value = str | float
"""A parameter of a model: a number, or a string with a unit."""
Positive = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(gt=0, le=1_000_000_000)]
TINIEST, HUGEST = 1e-60, 1e18
"""The smallest and the largest size of a physical value that is not 0, in SI units."""
MANY = 10_000_000
"""The largest number of units in a layer and of generated examples."""


class Spec(BaseModel):
    """Base of every description that is read from a file."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, allow_inf_nan=False)


def _single(name: str) -> str:
    """Refuse a name that could not be that of one file or folder."""
    if name in (".", "..") or set(name) & set("/\\\0\n\t:") or len(name.encode()) > 100:
        raise ValueError(f"is {given(name)}; expected a name of at most 100 bytes without '/', '\\\\' or ':'")
    return name


class Described(Spec):
    """A file of the catalog, with its title and its source.

    Parameters
    ----------
    schema
        The version of the keys, which is 1 and may be left out.
    name
        The name that runs and messages show; that of the file if left out.
    title
        What it is, in a few words for lists and figures.
    source
        Where it comes from, such as the paper.
    notes
        What a reader should know, such as why settings are unusual.
    """

    schema_version: Literal[1] = Field(default=1, alias="schema")
    name: Annotated[str, AfterValidator(_single)] = ""
    title: str
    source: str = ""
    notes: str = ""
    _path: Path | None = PrivateAttr(None)
    _where: str = PrivateAttr("")

    @property
    def where(self) -> str:
        """The file it was read from, as messages show it; its name or title if it was not read from a file."""
        return self._where or f"'{self.name or self.title}'"

    @property
    def path(self) -> Path | None:
        """The file it was read from; relative paths in it are relative to that file."""
        return self._path

    def read_from(self, path: Path | None, where: str) -> Self:
        """Remember the file and how messages show it, and return the description."""
        self._path, self._where = path, where
        return self


def _physical(kind: str) -> tuple[BeforeValidator, PlainSerializer]:
    def read(value: object) -> float:
        try:
            number = si(value, kind)
        except SpecError as error:
            raise ValueError(str(error)) from None
        if number and not TINIEST <= abs(number) <= HUGEST:
            raise ValueError(
                f"is {given(value)}; expected {kind} that exists, of {TINIEST:g} to {HUGEST:g} in SI units"
            )
        return number

    unit = symbol_of(KINDS[kind])
    return BeforeValidator(read), PlainSerializer(lambda value: text_of(value, unit))


Time = Annotated[float, *_physical("a time")]
"""A time: in files a string such as ``"10 ms"``, in the code seconds. The other quantities work the same way."""
Rate = Annotated[float, *_physical("a rate")]
Voltage = Annotated[float, *_physical("a voltage")]
Current = Annotated[float, *_physical("a current")]
Conductance = Annotated[float, *_physical("a conductance")]
Resistance = Annotated[float, *_physical("a resistance")]
Area = Annotated[float, *_physical("an area")]
Capacitance = Annotated[float, *_physical("a capacitance")]
Energy = Annotated[float, *_physical("an energy")]
Power = Annotated[float, *_physical("a power")]
Temperature = Annotated[float, *_physical("a temperature")]


def validate(kind: type[S], raw: dict[str, Any], where: str) -> S:
    """Turn a table into a description, or say what is wrong with it.

    Parameters
    ----------
    kind
        The class of the description.
    raw
        The table as it was read.
    where
        The file that it came from, as messages show it.

    Raises
    ------
    SpecError
        If the table holds something that is not allowed; the message names the first such thing.
    """
    try:
        return kind.model_validate(raw, context={"where": where})
    except ValidationError as error:
        raise SpecError(in_words(kind, raw, where, error)) from None


def in_words(kind: type[Spec], raw: dict[str, Any], where: str, error: ValidationError) -> str:
    """Return what is wrong with a table, in one sentence."""
    return f"{where}: {_sentence(kind, raw, _telling(error.errors()))}"


def _telling(errors: list[ErrorDetails]) -> ErrorDetails:
    """Return the first error; of a table where a name could stand too, the first one within the table."""
    first, *others = errors
    place = first["loc"][:-1]
    if first["type"] == "string_type" and isinstance(first["input"], dict):
        return next((other for other in others if other["loc"][: len(place)] == place), first)
    return first


def _sentence(kind: type[Spec], raw: dict[str, Any], error: ErrorDetails) -> str:
    keys = _keys(raw, error["loc"], error["type"] in ("missing", "extra_forbidden"))
    path = ".".join(map(str, keys)) or "the file"
    match error["type"]:
        case "extra_forbidden":
            allowed = _allowed(kind, raw, keys[:-1])
            hint = f"Allowed here: {', '.join(allowed)}." if allowed else ""
            return str(unknown_name("key", path, [".".join([*map(str, keys[:-1]), a]) for a in allowed], hint))
        case "missing":
            return f"{path} is missing; it has no default."
        case "union_tag_invalid" | "union_tag_not_found":
            tag = str(error["ctx"]["discriminator"]).strip("'")
            value = error["input"].get(tag) if isinstance(error["input"], dict) else error["input"]
            expected = error["ctx"].get("expected_tags", "one of the kinds that the documentation names")
            return f"{path}.{tag} is {given(value)}; expected {expected}."
        case "int_parsing_size":
            return f"{path} is {given(error['input'])}; expected a smaller number."
        case "literal_error":
            return f"{path} is {given(error['input'])}; expected {error['ctx']['expected']}."
        case "value_error":
            message = str(error["ctx"]["error"])
            return (message if not keys else f"{path} {message}").rstrip(".") + "."
        case _:
            expected = error["msg"].removeprefix("Input should be ").removeprefix("a valid ")
            return f"{path} is {given(error['input'])}; expected {expected}."


def _keys(raw: Any, loc: tuple[str | int, ...], absent: bool) -> list[str | int]:
    """Return the keys of an error's location that are in the file, without the tags that unions add to it.

    If `absent`, the last key is that of something that the file lacks or should lack.
    """
    keys: list[str | int] = []
    for index, key in enumerate(loc):
        inside = (isinstance(raw, dict) and key in raw) or (isinstance(raw, list) and isinstance(key, int))
        if inside:
            raw = raw[key]  # type: ignore[index]
        elif index < len(loc) - 1 or not (absent and isinstance(raw, dict)):
            continue
        keys.append(key)
    return keys


def _allowed(kind: Any, raw: Any, keys: list[str | int]) -> list[str]:
    """Return the keys that are allowed in the table at a place of the file, of its kind where there are several."""
    for key in keys:
        kind, raw = _inside(kind, key), raw[key]
    specs = _specs(kind)
    fitting = [spec for spec in specs if _fits(spec, raw)] or specs
    return sorted({field.alias or name for spec in fitting for name, field in spec.model_fields.items()})


def _fits(spec: type[Spec], table: Any) -> bool:
    """Return whether a table has what a description asks for where it allows some words only."""
    annotations = {name: field.annotation for name, field in spec.model_fields.items() if name in table}
    return all(table[name] in get_args(of) for name, of in annotations.items() if get_origin(of) is Literal)


def _inside(kind: Any, key: str | int) -> Any:
    for spec in _specs(kind):
        if key in spec.model_fields:
            return spec.model_fields[str(key)].annotation
    arguments = [argument for argument in get_args(kind) if argument is not type(None)]
    return arguments[-1] if arguments else None


def _specs(kind: Any) -> list[type[Spec]]:
    if isinstance(kind, type) and issubclass(kind, Spec):
        return [kind]
    return [spec for argument in get_args(kind) for spec in _specs(argument)]
