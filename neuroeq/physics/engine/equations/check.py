"""Check the equations of a model before Brian2 builds them, so that an error is one sentence about the user's file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from neuroeq.describe.spec import NeuronModel, SynapseModel
from neuroeq.describe.spec.code import distribution, start_values
from neuroeq.errors import EquationError, SpecError, unknown_name
from neuroeq.units import KINDS, Dimension, example_of, kind_of, physical

from ..brian import brian, explained
from .names import NEURON_NAMES, NOISE, NUMBER, PER_ROOT_SECOND, SECOND, TRACE_NAMES


class Checker:
    """Dimensions of the names of one model, and of its expressions.

    Parameters
    ----------
    where
        The file, for messages.
    known
        Names with their dimensions.
    parameters
        The model's own parameters, as in the file.
    components
        The names of what the unit transmits.

    Raises
    ------
    SpecError
        If a parameter is no physical value.
    """

    def __init__(
        self,
        where: str,
        known: Mapping[str, Dimension],
        parameters: Mapping[str, str | float],
        components: Iterable[str] = ("activity",),
    ) -> None:
        self.where = where
        self.components = tuple(components)
        self.given = dict(parameters)
        self.known = dict(known)
        for name, value in parameters.items():
            if name in known or name in _provided():
                whose = "the engine" if name in known else "Brian2"
                raise EquationError(f"{where}: parameters.{name} is a name that {whose} provides; choose another.")
            try:
                self.known[name] = physical(value).dimension if isinstance(value, str) else NUMBER
            except SpecError as error:
                raise SpecError(f"{where}: parameters.{name} {error}") from None

    def equations(self, text: str, part: str) -> Any:
        """Parse equations and learn the dimensions of their variables.

        Returns
        -------
        brian2.Equations
        """
        with explained(f"{self.where}: {part}"):
            equations = brian().Equations(text)
        for name, equation in equations.items():
            if name.endswith(("_pre", "_post")):
                raise EquationError(
                    f"{self.where}: {part} define '{name}'; names that end in _pre or _post mean the two sides of a "
                    "synapse, choose another."
                )
            if name in self.known:
                raise EquationError(
                    f"{self.where}: {part} define '{name}', which already has a meaning; choose another."
                )
            self.known[name] = _exponents(equation.dim)
        for name, equation in equations.items():
            if equation.expr is None:
                continue
            wanted = self.known[name]
            noises: set[str] = set()
            if equation.type == "differential equation":
                wanted = _over_time(wanted)
                noises = set() if part == "traces" else set(filter(NOISE.fullmatch, _identifiers(str(equation.expr))))
            self.known |= dict.fromkeys(noises, PER_ROOT_SECOND)
            self.expression(str(equation.expr), f"{part}, {name}", wanted)
            self.known = {known: dimension for known, dimension in self.known.items() if known not in noises}
        return equations

    def expression(self, text: str, part: str, wanted: Dimension | None = None) -> Dimension:
        """Return the dimension of an expression; refuse one that is not `wanted`."""
        self._all_known(text, part)
        try:
            with explained(f"{self.where}: {part}: '{text}'"):
                dimension = self._dimension(text)
        except EquationError as error:
            if not isinstance(error.__cause__, brian().DimensionMismatchError):
                raise
            self._blame(text, part, wanted)
            raise EquationError(f"{self.where}: {part}: '{text}' mixes units: {_first_line(error.__cause__)}") from None
        if wanted is not None and dimension != wanted:
            self._blame(text, part, wanted)
            raise EquationError(
                f"{self.where}: {part}: '{text}' is {kind_of(dimension)}; expected {kind_of(wanted)} there."
            )
        return dimension

    def statements(self, text: str, part: str) -> None:
        """Check statements, one a line, as descriptions hold them."""
        known = dict(self.known)
        for line in text.splitlines():
            name, operation, expression = line.split(maxsplit=2)
            full = expression if operation == "=" else f"{name} {operation[0]} ({expression})"
            dimension = self.expression(full, part, known.get(name))
            self.known.setdefault(name, dimension)
        self.known = known

    def _all_known(self, text: str, part: str) -> None:
        for name in sorted(_identifiers(text)):
            if name not in self.known and name not in _provided():
                if NOISE.fullmatch(name):
                    raise EquationError(
                        f"{self.where}: {part}: '{name}' is noise, which stands in differential equations of neurons "
                        "and weights only; elsewhere write randn()."
                    )
                hint = f"Defined are: {', '.join(sorted(self.known))}."
                raise EquationError(f"{self.where}: {part}: {unknown_name('variable', name, self.known, hint)}")

    def _dimension(self, text: str, **other: Dimension) -> Dimension:
        from brian2.core.variables import Variable
        from brian2.parsing.expressions import parse_expression_dimensions
        from brian2.units.fundamentalunits import get_or_create_dimension

        variables = dict(_provided())
        for name, exponents in {**self.known, **other}.items():
            variables[name] = Variable(name=name, dimensions=get_or_create_dimension(exponents))
        return _exponents(parse_expression_dimensions(text, variables))

    def _blame(self, text: str, part: str, wanted: Dimension | None) -> None:
        """Raise an error that names a parameter, if the equation would be right with that parameter of another kind."""
        if not part.startswith(("equations", "traces")):
            return
        for name in _identifiers(text) & set(self.given):
            for kind, dimension in KINDS.items():
                try:
                    result = self._dimension(text, **{name: dimension})
                except brian().DimensionMismatchError:
                    continue
                if wanted is None or result == wanted:
                    raise EquationError(
                        f"{self.where}: parameters.{name} is {self.given[name]!r}; expected {kind}, "
                        f"such as '{example_of(kind)}' (used in {part})."
                    ) from None


def check_neuron(model: NeuronModel) -> Checker:
    """Check a neuron model; the checker then knows its variables.

    Raises
    ------
    EquationError
        If equations do not parse, use unknown names, or mix units.
    """
    spiking = {"lastspike": SECOND, "not_refractory": NUMBER} if model.emits == "spikes" else {}
    sent = dict.fromkeys(model.components, NUMBER) if model.vector else {}
    arriving = {f"drive_{name}": NUMBER for name in sent}
    checker = Checker(model.where, NEURON_NAMES | spiking | arriving | sent, model.parameters, model.components)
    equations = checker.equations(model.equations, "equations")
    stored = [key for key, equation in equations.items() if equation.type != "subexpression"]
    shared = [key for key in stored if "shared" in equations[key].flags]
    if shared:
        raise EquationError(
            f"{checker.where}: equations define '{shared[0]}', which is kept for each unit and cannot be (shared); "
            "leave the flag out, or write it under [parameters]."
        )
    for part, known in (("state", stored), ("readout", [*equations, *sent])):
        name = getattr(model, part)
        if name is not None and name not in known:
            raise EquationError(
                f"{checker.where}: {part} is '{name}'; expected a {'state ' if part == 'state' else ''}variable of the "
                f"equations: {', '.join(known) or 'there are none'}."
            )
    _check_method(checker.where, model.method)
    for name, text in model.components.items():
        part = f"activity.{name}" if model.vector else "activity"
        others = {known: dimension for known, dimension in checker.known.items() if known not in sent}
        Checker(model.where, others, {}).expression(text, part, NUMBER)
    if model.time_constant != "dt":
        checker.expression(model.time_constant, "time_constant", SECOND)
    for part in ("threshold", "refractory"):
        text = getattr(model, part)
        if text and not _is_value(text):
            checker.expression(text, part)
    for part in ("after_step", "reset"):
        checker.statements(getattr(model, part) or "", part)
    for name, value in [*_limits(model), *model.initial.items()]:
        _check_value(checker, name, value)
    return checker


def check_synapse(model: SynapseModel, hebb: Dimension) -> Any:
    """Check the equations of a synapse whose terms have the dimension `hebb`.

    Returns
    -------
    brian2.Equations

    Raises
    ------
    EquationError
        If equations do not parse, use unknown names, mix units, or do not define dw.
    """
    known = {"w": NUMBER, "gain": NUMBER, "hebb": hebb, "t": SECOND, "dt": SECOND}
    checker = Checker(model.where, known, model.parameters)
    equations = checker.equations(model.equations, "equations")
    if model.plasticity and "dw" not in equations:
        raise EquationError(f"{checker.where}: equations do not define dw; expected 'ddw/dt = ... : 1'.")
    return equations


def check_alone(model: SynapseModel) -> None:
    """Check of a synapse model what can be known without the neurons at its ends.

    Raises
    ------
    EquationError
        If its traces or its equations do not parse, or its traces use unknown names or mix units.
    """
    Checker(model.where, TRACE_NAMES, model.parameters).equations(model.traces, "traces")
    with explained(f"{model.where}: equations"):
        brian().Equations(model.equations)


def _limits(model: NeuronModel) -> list[tuple[str, str | float]]:
    return [
        (name, value)
        for name, interval in model.bounds.items()
        for value in (interval.min, interval.max)
        if value is not None
    ]


def _check_method(where: str, method: str) -> None:
    from brian2.stateupdaters.base import StateUpdateMethod

    known = sorted(StateUpdateMethod.stateupdaters)
    if method not in known:
        raise EquationError(f"{where}: method is '{method}'; expected one of {', '.join(map(repr, known))}.")


def _check_value(checker: Checker, name: str, value: str | float) -> None:
    if name not in checker.known:
        hint = f"Defined are: {', '.join(sorted(checker.known))}."
        raise EquationError(f"{checker.where}: {unknown_name('variable', name, checker.known, hint)}")
    try:
        values = [physical(str(text)) for text in start_values(value)]
    except SpecError as error:
        raise EquationError(f"{checker.where}: bound or start of {name} {error}") from None
    if any(limit.dimension != checker.known[name] for limit in values):
        kind = kind_of(checker.known[name])
        raise EquationError(f"{checker.where}: bound or start of {name} is {value!r}; expected {kind}.")
    match distribution(value):
        case "uniform" if values[0].value >= values[1].value:
            expected = "uniform(low, high) with low below high"
        case "normal" if values[1].value <= 0:
            expected = "normal(mean, sd) with a positive standard deviation"
        case _:
            return
    raise EquationError(f"{checker.where}: start of {name} is '{value}'; expected {expected}.")


def _is_value(text: str) -> bool:
    """Whether a text is a value with a unit, and no expression."""
    try:
        physical(text)
    except SpecError:
        return False
    return True


def _provided() -> dict[str, Any]:
    """Return what Brian2 lets every expression use: functions, constants, units."""
    from brian2.core.functions import DEFAULT_CONSTANTS, DEFAULT_FUNCTIONS
    from brian2.core.namespace import DEFAULT_UNITS

    return {**DEFAULT_UNITS, **DEFAULT_CONSTANTS, **DEFAULT_FUNCTIONS}


def _identifiers(text: str) -> set[str]:
    from brian2.utils.stringtools import get_identifiers

    return set(get_identifiers(text)) - {"and", "or", "not", "True", "False"}


def _exponents(dimension: Any) -> Dimension:
    return tuple(float(exponent) for exponent in dimension._dims)  # type: ignore[return-value]


def _over_time(dimension: Dimension) -> Dimension:
    length, mass, time, *rest = dimension
    return (length, mass, time - 1, *rest)  # type: ignore[return-value]


def _first_line(error: Iterable[str] | Exception) -> str:
    """Return what an exception of Brian2 says, on one line."""
    return " ".join(str(error).split()).rstrip(".") + "."
