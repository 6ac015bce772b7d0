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
    ],
)
def test_physical_values_are_read_in_si(text, value, kind):
    assert units.si(text, kind) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize("text", ["5 foo", "abc", "nan", "1e400", "1/0 s", "[1, 2]", "1 ms)", "", "__import__('os')"])
def test_what_is_no_value_is_refused(text):
    with pytest.raises(SpecError, match=r"expected a number and a unit, such as '10 ms'"):
        units.physical(text)


def test_a_value_of_another_kind_is_refused_with_the_fix():
    with pytest.raises(SpecError, match=r"is '10 mV'; expected a time, such as '10 ms'"):
        units.si("10 mV", "a time")
    with pytest.raises(SpecError, match=r"is 10; expected a time, such as '10 ms'"):
        units.si(10, "a time")


@pytest.mark.parametrize("value", [0.05, 5e-4, 0.1 + 0.2, 1 / 3, 0.0, 2.5, 1e-9, 123.456e-3])
def test_written_times_read_back_exactly(value):
    assert units.si(units.text_of(value, "s"), "a time") == value


def test_a_dimension_has_a_name_and_a_unit():
    assert units.kind_of(units.KINDS["a voltage"]) == "a voltage"
    assert units.symbol_of(units.KINDS["a voltage"]) == "V"
    assert units.kind_of((0, 0, -2, 0, 0, 0, 0)).startswith("of dimension")
