"""Brian2's C++ for a network's equations: its cpp_standalone device, in a process of its own.

The device is global and stays set, so this runs as ``python -m neuroeq.physics.engine.compiled.standalone FOLDER``
with the pickled network on its standard input. It writes Brian2's project into the folder, and ``training.cpp``, which
includes the functions of Brian2's code objects, defines the arrays that they work on, and calls them.
"""

from __future__ import annotations

import pickle
import re
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from neuroeq.describe.spec import Network

from ..assembly import assemble, time_step
from ..brian import brian
from ..plasticity.plan import plan
from .code_context import C_TYPES, CodeContext, c_type
from .source import training_source
from .updates import parameter_updates

HEADERS = ("algorithm", "array", "climits", "cmath", "cstdint", "cstring", "ctime", "fstream", "iostream", "limits")
LISTING = re.compile(r"if\s*\(_cond\)\s*\{\s*(\w+)\[_count\+\+\] = _idx;\s*\}")


def write(network: Network, folder: Path) -> None:
    """Write the C++ of a network's training into a folder.

    Parameters
    ----------
    network
        The network, resolved for its substrate.
    folder
        Of its own; it is filled.
    """
    b2, dt, batch = brian(), time_step(network), network.training.batch_size
    b2.prefs.reset_to_defaults()
    b2.set_device("cpp_standalone", build_on_run=False, directory=str(folder))
    b2.prefs.core.default_float_dtype = np.dtype(network.physics.precision).type
    plastics = plan(network, dt) if network.training.learning == "in_situ" else []
    assembly = assemble(network, batch, dt, plastics)
    prepared = b2.Network(*(population.group for population in assembly.populations))
    prepared.run(0 * b2.second, namespace={})
    never = {population.expose.name for population in assembly.populations if population.expose is not None}
    learners = {code.name for population in assembly.populations for code in population.learners}
    steps = [
        (obj.when, obj.name in learners, [code.name for code in obj._code_objects])
        for obj in prepared.sorted_objects
        if obj.name not in never and obj._code_objects
    ]
    names = b2.device.arrays
    context = CodeContext(
        network, assembly, batch, parameter_updates(network, dt), steps, lambda variable: names[variable]
    )
    phases = network.phases
    nudged = 2 if phases.variant == "centred" else 1
    training = training_source(context, nudged, (phases.free.n_steps(dt), phases.nudged.n_steps(dt)))
    codes = [code.name for obj in prepared.sorted_objects for code in obj._code_objects]
    b2.device.build(directory=str(folder), compile=False, run=False)
    for path in (folder / "code_objects").glob("*.cpp"):
        path.write_text(_without_branch(path.read_text()))
    (folder / "training.cpp").write_text(_source(context, codes, training, names))


def _source(context: CodeContext, codes: list[str], training: str, arrays: dict[Any, str]) -> str:
    """Return the file that is compiled; Brian2's functions have a namespace each, since all bring the same names."""
    real = C_TYPES[context.network.physics.precision]
    return "\n".join(
        [
            *(f"#include <{header}>" for header in HEADERS),
            '#include "objects.h"',
            '#include "brianlib/common_math.h"',
            '#include "brianlib/stdint_compat.h"',
            "namespace brian {",
            *(_defined(variable, name) for variable, name in arrays.items()),
            "}",
            *(f'namespace {code} {{\n#include "code_objects/{code}.cpp"\n}}' for code in codes),
            f"typedef {real} real;",
            f"constexpr int BATCH = {context.batch};",
            "using namespace brian;",
            *(files(__package__).joinpath(part).read_text() for part in ("kernels.h",)),
            training,
            files(__package__).joinpath("training_loop.h").read_text(),
        ]
    ).replace("#pragma once\n", "")


def _without_branch(code: str) -> str:
    """Return code in which the list of spikes, whose times no processor guesses, grows without a jump."""
    return LISTING.sub(r"\1[_count] = _idx; _count += _cond;", code)


def _defined(variable: Any, name: str) -> str:
    kind = c_type(variable)
    return f"alignas(64) static {kind} of{name}[{variable.size}];\n{kind}* {name} = of{name};"


if __name__ == "__main__":
    write(pickle.load(sys.stdin.buffer), Path(sys.argv[1]))
