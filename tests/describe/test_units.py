from collections import Counter

import pytest

from neuroeq import units
from neuroeq.errors import SpecError


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("10 ms", 0.01, "a time"),
        ("10ms", 0.01, "a time"),
        ("-65 mV", -0.065, "a voltage"),
        (".5 uS", 5e-7, "a conductance"),
        ("1 kHz", 1e3, "a rate"),
        ("2 /ms", 2e3, "a rate"),
        ("1e-3", 1e-3, "a number"),
        ("100 Mohm", 1e8, "a resistance"),
        ("2 V/A", 2, "a resistance"),
        ("3 kg m^2/s**3/A", 3, "a voltage"),
        ("1 s^-1", 1, "a rate"),
        ("20 degC", 293.15, "a temperature"),
    ],
)
def test_physical_values_are_read_in_si(text, value, kind):
    assert units.si(text, kind) == pytest.approx(value, rel=1e-15)


UNREADABLE = ["5 foo", "abc", "nan", "1e400", "1/0 s", "[1, 2]", "1 ms)", "", "__import__('os')"]
UNREADABLE += [
    "1 ms**0",
    "1 s^9^9^9^9",
    "1 s**99",
    "1 (s)",
    "1 s.real",
    "1 __class__",
    "1 s*",
    "1 s//s",
    "1 3 degC",
    "1 degC/s",
]
UNREADABLE += [
    "1 s\r",
    "1 s\u2028",
    "\u0663 ms",
    "1 a" + 60_000 * " " + "!",
    101 * "1",
    "1 " + 99 * "s",
    "1 %",
    "1 EUR",
]


@pytest.mark.parametrize("text", UNREADABLE)
def test_what_is_no_value_is_refused(text):
    with pytest.raises(SpecError, match=r"expected a number and a unit, such as '10 ms'"):
        units.physical(text)


def test_a_value_of_another_kind_is_refused_with_the_fix():
    with pytest.raises(SpecError, match=r"is '10 mV'; expected a time, such as '10 ms'"):
        units.si("10 mV", "a time")
    with pytest.raises(SpecError, match=r"is 10; expected a time, such as '10 ms'"):
        units.si(10, "a time")


def test_pint_is_asked_for_named_units_alone(monkeypatch):
    asked = []

    class Registry:
        def get_name(self, name):
            asked.append(name)
            raise ValueError

    monkeypatch.setattr(units, "_registry", Registry)
    for text in [*UNREADABLE, "1 qa*qb/qc**2 qd"]:
        with pytest.raises(SpecError):
            units.physical(text)
    assert all(name.isidentifier() for name in asked)


def test_what_a_message_quotes_is_short_and_on_one_line():
    with pytest.raises(SpecError) as refused:
        units.physical("1 s\n" + 5000 * "x")
    assert len(str(refused.value)) < 160 and "\n" not in str(refused.value)


def test_long_times_are_written_in_the_units_of_a_calendar():
    assert units.text_of(units.si("1 year", "a time"), "s") == "1 year"
    assert units.text_of(86400, "s") == "1 day"
    assert units.text_of(5400, "s") == "90 min"
    assert units.text_of(90, "s") == "90 s"


@pytest.mark.parametrize("value", [0.05, 5e-4, 0.1 + 0.2, 1 / 3, 0.0, 2.5, 1e-9, 123.456e-3])
def test_written_times_read_back_exactly(value):
    assert units.si(units.text_of(value, "s"), "a time") == value


def test_a_dimension_has_a_name_and_a_unit():
    assert units.kind_of(units.KINDS["a voltage"]) == "a voltage"
    assert units.symbol_of(units.KINDS["a voltage"]) == "V"
    assert units.kind_of((0, 0, -2, 0, 0, 0, 0)).startswith("of dimension")


@pytest.mark.parametrize("unit", sorted(units._USUAL))
def test_usual_units_have_the_bits_that_pint_gives_them(unit):
    for number in ("1", "10", "0.3", "7e-5", "123.456", "-65"):
        usual = units.physical(f"{number} {unit}")
        assert (usual.value, usual.dimension) == units._in_si(float(number), Counter([unit]))


def test_a_unit_of_several_names_is_asked_of_pint():
    assert units.physical("3 ms*ms").value == pytest.approx(3e-6, rel=1e-15)
    assert units.physical("3 /ms").dimension == units.KINDS["a rate"]
    assert units.physical("3 ms/ms").dimension == units.DIMENSIONLESS
