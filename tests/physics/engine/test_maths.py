"""Exponentials and the like of compiled code: as accurate as they say, in all of their range, and vectors in loops."""

import ctypes
from importlib.resources import files

import numpy as np
import pytest

from neuroeq.physics.engine import compiled
from neuroeq.physics.engine.compiled.compiler import SINGLE, compile_library

pytestmark = [pytest.mark.compiled, pytest.mark.usefixtures("compiler")]
LARGEST = {"exp": 1.25, "log": 1.25, "tanh": 2.75}
"""Errors in units in the last place."""
LOOPS = "".join(
    f'extern "C" void {name}_{kind}({kind}* x, int64_t n) {{ for (int64_t i = 0; i < n; ++i) x[i] = {call}; }}\n'
    for kind in ("float", "double")
    for name, call in [
        *((name, f"maths::{name}(x[i])") for name in LARGEST),
        *((name, f"maths::{name}(x[i])") for name in ("sin", "cos")),
        ("sin_of_turns", "maths::wave(x[i], 0)"),
        ("cos_of_turns", "maths::wave(x[i], 1)"),
    ]
)
KINDS = {"float": np.float32, "double": np.float64}


@pytest.fixture(scope="module")
def functions(tmp_path_factory):
    """Return a function of its name, of a type of numbers, and of numbers that it computes vectors of."""
    source = tmp_path_factory.mktemp("maths") / "functions.cpp"
    source.write_text(files(compiled).joinpath("maths.h").read_text() + LOOPS)
    compile_library([SINGLE], source)
    library = ctypes.CDLL(str(source.with_suffix(".so")))

    def computed(name, kind, x):
        out = np.array(x, KINDS[kind], order="C")
        getattr(library, f"{name}_{kind}")(ctypes.c_void_p(out.ctypes.data), ctypes.c_int64(len(out)))
        return out

    return computed


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", LARGEST)
def test_errors_are_those_that_are_said_down_to_the_smallest_numbers(name, kind, functions):
    rng, limits = np.random.default_rng(0), np.finfo(KINDS[kind])
    reach = 105 if kind == "float" else 750
    x = np.concatenate([rng.uniform(-reach, reach, 100_000), rng.uniform(-2, 2, 100_000), 1e-9 * rng.normal(size=999)])
    if name == "log":
        x = np.concatenate([np.exp(x[np.abs(x) < 0.99 * np.log(limits.max)]), [limits.smallest_subnormal, limits.max]])
    x = x.astype(KINDS[kind])
    x = x[x > 0] if name == "log" else x
    with np.errstate(over="ignore", under="ignore"):
        exact = getattr(np, name)(x.astype(np.longdouble))
        wanted, found = exact.astype(KINDS[kind]), functions(name, kind, x)
    finite = np.isfinite(wanted)
    np.testing.assert_array_equal(found[~finite], wanted[~finite])
    if name == "exp":
        assert (~finite).any() and ((wanted > 0) & (wanted < limits.tiny)).any() and (wanted == 0).any()
    units = np.abs(found[finite] - exact[finite]) / np.spacing(np.abs(wanted[finite]))
    assert units.max() <= LARGEST[name]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_infinite_or_no_number_is_that_of_numpy(kind, functions):
    x = np.tile(np.array([np.inf, -np.inf, np.nan, 0.0, -1.0], KINDS[kind]), 20)
    for name in LARGEST:
        with np.errstate(divide="ignore", invalid="ignore"):
            wanted = getattr(np, name)(x)
        np.testing.assert_allclose(functions(name, kind, x), wanted, rtol=1e-6, atol=0)


@pytest.mark.parametrize(("kind", "error"), [("float", 1.2e-7), ("double", 2.2e-16)])
def test_waves_are_sines_and_cosines_of_turns(kind, error, functions):
    turns = np.random.default_rng(0).uniform(-1, 1, 100_000).astype(KINDS[kind])
    angle = 2 * np.longdouble("3.14159265358979323846264338328") * turns
    for name in ("sin", "cos"):
        assert np.abs(functions(f"{name}_of_turns", kind, turns) - getattr(np, name)(angle)).max() <= error


@pytest.mark.parametrize(("kind", "error"), [("float", 1.2e-7), ("double", 2.2e-16)])
def test_sines_and_cosines_of_a_thousand_turns_are_exact_to_the_last_place_of_one(kind, error, functions):
    rng = np.random.default_rng(0)
    angle = np.concatenate([rng.uniform(-6000, 6000, 100_000), rng.uniform(-4, 4, 100_000)]).astype(KINDS[kind])
    for name in ("sin", "cos"):
        exact = getattr(np, name)(angle.astype(np.longdouble))
        assert np.abs(functions(name, kind, angle) - exact).max() <= error
