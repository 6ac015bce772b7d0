"""What is changed in the C++ that Brian2 writes, so that compilers make vectors of its loops.

The meaning stays. Constants get the precision of the model, which all its variables have. A time since the last spike
is compared with the refractory time less half a step, where Brian2 counts steps as 64-bit integers. A threshold writes
for every unit what its spike is worth, or 0, where Brian2 lists those that spiked; and a reset looks at every unit, and
keeps the variables of those that did not spike: jumps that no processor can guess cost more than the work they save.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from neuroeq.errors import SpecError

CONSTANT = re.compile(r"^\s*const double (\w+) = ", re.MULTILINE)
LOOP = re.compile(r"for\(int _idx=0; _idx<_N; _idx\+\+\)")
SIGNATURE = re.compile(r"^void _run_(\w+)\(\)", re.MULTILINE)
REFRACTORY = re.compile(r"_timestep\((\w+) - lastspike, dt\) >= (\w+)")
GUARD = re.compile(
    r"if\(!not_refractory\)\s*_cond = (?P<condition>.*?) && false;\s*else\s*_cond = (?P=condition) && true;", re.DOTALL
)
THRESHOLD = re.compile(
    r"long _count = 0;\s*for\(size_t _idx=0; _idx<N; _idx\+\+\)\s*\{(?P<body>.*?)"
    r"if\s*\(_cond\)\s*\{\s*(?P<list>\w+)\[_count\+\+\] = _idx;(?P<marks>.*?)\}\s*\}"
    r"\s*(?P=list)\[N\] = _count;",
    re.DOTALL,
)
RESET = re.compile(
    r"for\(int32_t _index_events=0; _index_events<_num_events; _index_events\+\+\)\s*\{(?P<body>.*?)"
    r"const size_t _idx = _events\[_index_events\];(?P<code>.*?)\n\s*\}\s*\n\s*\}",
    re.DOTALL,
)
WRITTEN = re.compile(r"(?P<place>_ptr_array\w+\[_idx\]) = (?P<value>[^;]+);")
TIME = re.compile(r"\b_ptr_array_\w*clock_t\[0\]")


def vectorised(code: str) -> str:
    """Return the code of a Brian2 code object with constants of the model's precision, without counts of steps.

    Its function takes the first unit that it computes, and the one where it stops.
    """
    code = SIGNATURE.sub(r"void _run_\1(int _from, int _to)", code)
    code = LOOP.sub("for (int _idx = _from; _idx < _to; ++_idx)", code)
    return REFRACTORY.sub(r"(real)\1 - lastspike > (real)((\2 - 0.5)*dt)", CONSTANT.sub(r"const real \1 = ", code))


def threshold(code: str, spike: str, value: float) -> str:
    """Return the code of a threshold, which writes the array `spike`: `value` where a unit spikes, or 0.

    Raises
    ------
    SpecError
        If the code has not the form that is known.
    """

    def loop(match: re.Match[str]) -> str:
        marks = WRITTEN.sub(r"mark(\g<place>, _cond, \g<value>);", match["marks"])
        time = TIME.search(marks)
        return "\n".join(
            [
                f"real* __restrict _spike = {spike};",
                f"const double _now = {time[0] if time else 0};",
                f"for (int64_t _idx = _from; _idx < _to; ++_idx) {{{match['body']}",
                f"_spike[_idx] = _cond ? (real){value!r} : (real)0;",
                TIME.sub("_now", marks) + "}",
            ]
        )

    return _once(THRESHOLD, loop, GUARD.sub(r"_cond = (char)(\g<condition>) & not_refractory;", code), "a threshold")


def reset(code: str, spike: str) -> str:
    """Return the code of a reset, which acts where the array `spike` is not 0.

    Raises
    ------
    SpecError
        If the code has not the form that is known.
    """

    def loop(match: re.Match[str]) -> str:
        kept = WRITTEN.sub(r"mark(\g<place>, _spike[_idx] != 0, \g<value>);", match["code"])
        head = f"const real* __restrict _spike = {spike};\nfor (int64_t _idx = _from; _idx < _to; ++_idx) {{"
        return f"{head}{match['body']}{kept}\n}}\n}}"

    return _once(RESET, loop, code, "a reset")


def _once(form: re.Pattern[str], loop: Callable[[re.Match[str]], str], code: str, what: str) -> str:
    rewritten, found = form.subn(loop, code)
    if found != 1:
        raise SpecError(f"this version of Brian2 writes {what} in a way that is not known; use --engine stepper.")
    return rewritten
