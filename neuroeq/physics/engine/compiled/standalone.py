"""Brian2's C++ for a network's equations: its cpp_standalone device, in a process of its own.

The device is global and stays set, so this runs as ``python -m neuroeq.physics.engine.compiled.standalone FOLDER``
with the pickled network and the names of its sparse projections on its standard input. It writes Brian2's project into
the folder, and ``training.cpp``, which includes the functions of Brian2's code objects, defines the arrays that they
work on, and calls them.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from neuroeq.describe.spec import Network

from ..assembly import assemble, time_step
from ..brian import brian
from ..plasticity.plan import plan
from ..population import Population
from .code_context import C_TYPES, MATHS, CodeContext, c_type, shared_variables
from .rewriting import reset, threshold, vectorised
from .source import training_source
from .updates import parameter_updates

HEADERS = ("algorithm", "array", "climits", "cmath", "cstdint", "cstring", "ctime", "fstream", "iostream", "limits")


def write(network: Network, sparse: Sequence[str], folder: Path) -> None:
    """Write the C++ of a network's training into a folder.

    Parameters
    ----------
    network
        The network, resolved for its substrate.
    sparse
        The projections whose products run over their synapses alone.
    folder
        Of its own; it is filled.
    """
    b2, dt, batch = brian(), time_step(network), network.training.batch_size
    b2.prefs.reset_to_defaults()
    b2.set_device("cpp_standalone", build_on_run=False, directory=str(folder))
    b2.prefs.core.default_float_dtype = np.dtype(network.physics.precision).type
    plastics = plan(network, dt) if network.training.learning == "in_situ" else []
    assembly = assemble(network, batch, dt, plastics, dense_delays=True)
    prepared = b2.Network(*(population.group for population in assembly.populations))
    prepared.run(0 * b2.second, namespace={})
    never = {population.expose.name for population in assembly.populations if population.expose is not None}
    learners = {code.name for population in assembly.populations for code in population.learners}
    steps = [
        (obj.name in learners, [code.name for code in obj._code_objects])
        for obj in prepared.sorted_objects
        if obj.name not in never and obj._code_objects
    ]
    names = b2.device.arrays
    updates = parameter_updates(network, dt)
    context = CodeContext(network, assembly, batch, updates, steps, lambda variable: names[variable], sparse)
    training = training_source(context)
    codes = [code.name for obj in prepared.sorted_objects for code in obj._code_objects]
    b2.device.build(directory=str(folder), compile=False, run=False)
    for path in (folder / "code_objects").glob("*.cpp"):
        path.write_text(vectorised(path.read_text()))
    for population in (each for each in assembly.populations if each.model.emits == "spikes"):
        _without_list(context, population, folder / "code_objects")
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
            f"typedef {real} real;",
            _header("maths.h"),
            _header("team.h"),
            _header("mark.h"),
            *(f'namespace {code} {{\n{MATHS}\n#include "code_objects/{code}.cpp"\n}}' for code in codes),
            f"constexpr int BATCH = {context.batch};",
            "using namespace brian;",
            _header("work.h"),
            _header("kernels.h"),
            _header("sparse.h"),
            _header("convolution.h"),
            _header("noise.h"),
            _header("pruning.h"),
            training,
            _header("training_loop.h"),
            _header("phases.h"),
            *_binding(context, arrays),
        ]
    ).replace("#pragma once\n", "")


def _without_list(context: CodeContext, population: Population, folder: Path) -> None:
    """Rewrite the threshold and the reset of a population."""
    spike = context.array(population.group.variables["spike"])
    for name, rewritten in (
        ("thresholder", lambda code: threshold(code, spike, population.spike_value)),
        ("resetter", lambda code: reset(code, spike)),
    ):
        path = folder / f"{population.group.name}_spike_{name}_codeobject.cpp"
        if path.exists() or name == "thresholder" or population.model.reset:
            path.write_text(rewritten(path.read_text() if path.exists() else ""))


def _header(name: str) -> str:
    return files(__package__).joinpath(name).read_text()


def _binding(context: CodeContext, arrays: dict[Any, str]) -> list[str]:
    """Return the functions that name all arrays, and that replace them by those of a simulation, or by their own."""
    known = {id(variable): name for name, variable in shared_variables(context.assembly).items()}
    names = " ".join(known.get(id(variable), "-") for variable in arrays)
    lines = [
        f"{name} = where && where[{index}] ? ({c_type(variable)}*)where[{index}] : of{name};"
        for index, (variable, name) in enumerate(arrays.items())
    ]
    return [
        f'extern "C" const char* array_names() {{ return "{names}"; }}',
        'extern "C" void bind(void* const* where) {',
        *lines,
        "}",
    ]


def _defined(variable: Any, name: str) -> str:
    kind = c_type(variable)
    return f"alignas(64) static {kind} of{name}[{variable.size}];\n{kind}* {name} = of{name};"


if __name__ == "__main__":
    given, few = pickle.load(sys.stdin.buffer)
    write(given, few, Path(sys.argv[1]))
