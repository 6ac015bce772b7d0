"""Writes the C++ of a network's training that Brian2 does not generate, for its layers and projections.

The code refers to Brian2's arrays and to the functions of its code objects, and calls the kernels of ``kernels.h`` on
them; ``training_loop.h`` calls it in turn. Sizes are constants, so that the compiler can unroll loops.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from neuroeq.describe.network import bounds

from ..coupling import Coupling
from ..initial import limits
from ..population import Population
from .code_context import CodeContext, c_type
from .updates import ParameterUpdate

FEW = 32
"""Number of columns below which spikes are multiplied as a dense matrix, like any other numbers."""


def training_source(context: CodeContext, nudged: int, steps: tuple[int, int]) -> str:
    """Return the C++ functions that ``training_loop.h`` calls.

    Parameters
    ----------
    context
        The network and its Brian2 objects.
    nudged
        Number of nudged phases.
    steps
        Number of steps of the free phase and of each nudged phase.
    """
    network = context.network
    constants = {
        "INPUTS": context.size(network.input_layer),
        "OUTPUTS": context.size(network.output_layer),
        "LEARNED": len(context.updates),
        "NUDGED": nudged,
        "FREE_STEPS": steps[0],
        "NUDGED_STEPS": steps[1],
    }
    lines = [f"constexpr int {name} = {value};" for name, value in constants.items()]
    lines.append(f"constexpr bool IN_SITU = {str(network.training.learning == 'in_situ').lower()};")
    lines.append(f"static real* held[{len(context.names)}];")
    lines.append("static Sent<INPUTS> sent;")
    return "\n".join(
        [*lines, *_time(context), *_states(context), *_drives(context), *_steps(context), *_learning(context), ""]
    )


def _function(name: str, arguments: str, body: Iterable[str]) -> list[str]:
    return [f"static void {name}({arguments}) {{", *(f"    {line}" for line in body), "}"]


def _time(context: CodeContext) -> list[str]:
    clock = {name: context.array(context.assembly.clock.variables[name]) for name in ("timestep", "t", "dt")}
    dt = repr(float(context.assembly.clock.dt))
    set_time = f"{clock['t']}[0] = {clock['timestep']}[0] * {dt};"
    return [
        *_function("rewind", "int k", [f"{clock['dt']}[0] = {dt};", f"{clock['timestep']}[0] = k;", set_time]),
        *_function("tick", "", [f"{clock['timestep']}[0] += 1;", set_time]),
    ]


def _states(context: CodeContext) -> list[str]:
    """Write how states start, and how they are kept and found again."""
    resting, saving, restoring, storage = [], [], [], []
    for population in context.assembly.populations:
        n = context.block(population)
        for name in (*population.state_arrays, *population.constants):
            array, kind = context.array(population.group.variables[name]), c_type(population.group.variables[name])
            start = population.model.initial.get(name, {"lastspike": -1e4, "not_refractory": 1}.get(name, 0))
            if name in population.drawn:
                resting.append(f"copy<{n}>({array}, starts[{context.number(population, name)}] + batch * {n});")
            else:
                resting.append(f"fill<{n}>({array}, ({kind}){limits(start)[0]!r});")
            if name in population.constants:
                continue
            storage.append(f"static {kind} kept{array}[{n}];")
            saving.append(f"copy<{n}>(kept{array}, {array});")
            restoring.append(f"copy<{n}>({array}, kept{array});")
        if population.reads("unit"):
            for layer, size in population.layers.items():
                unit = context.at((layer, "unit"))
                resting.append(f"for (int i = 0; i < BATCH * {size}; ++i) {unit}[i] = i % {size};")
    return [
        *storage,
        *_function("rest", "const real* const* starts, int batch", resting),
        *_function("save", "", saving),
        *_function("restore", "", restoring),
    ]


def _drives(context: CodeContext) -> list[str]:
    """Write what arrives at each layer: of clamped inputs once for a batch, of moving layers at every step."""
    network, moving = context.network, context.moving
    sources = {layer: [c for c in context.assembly.couplings if c.target == layer] for layer in moving}
    backed = {c.projection for couplings in sources.values() for c in couplings if c.source in moving}
    storage, clamping, driving = [], ["sent.read(m, x);"], []
    clamping += [f"held[{i}] = params[{i}];" for i in range(len(context.names))]
    for name in sorted(backed):
        ends = network.projections[name]
        k, n = context.size(ends.source), context.size(ends.target)
        storage.append(f"static real back_{name}[{k * n}];")
        clamping.append(f"transpose<{k}, {n}>(back_{name}, {context.held(name)});")
    for layer, couplings in sources.items():
        n, drive = context.size(layer), context.at((layer, moving[layer].drive))
        storage.append(f"static real given_{layer}[BATCH * {n}];")
        clamping.append(f"fill<BATCH * {n}>(given_{layer}, (real)0);")
        for coupling in (c for c in couplings if c.source not in moving):
            clamping.append(f"clamped<INPUTS, {n}>(sent, given_{layer}, {context.held(coupling.projection)});")
        clamping.append(f"copy<BATCH * {n}>({drive}, given_{layer});")
        base = f"given_{layer}"
        for coupling in (c for c in couplings if c.source in moving):
            driving.append(_product(context, coupling, drive, base))
            base = drive
        if network.layers[layer].bias:
            clamping.append(f"spread<{n}>({context.at((layer, 'bias'))}, {context.held(f'{layer}.bias')});")
    return [
        *storage,
        *_function("clamp", "int m, const real* x, real* const* params", clamping),
        *_function("drive", "int m", driving),
    ]


def _product(context: CodeContext, coupling: Coupling, drive: str, base: str) -> str:
    k, n = context.size(coupling.source), context.size(coupling.target)
    straight, turned = context.held(coupling.projection), f"back_{coupling.projection}"
    if coupling.transposed:
        straight, turned = turned, straight
    source = context.at((coupling.source, context.emitted))
    if context.emitted == "activity" or n < FEW:
        return f"product<{k}, {n}>(m, {drive}, {base}, {source}, {straight}, {turned});"
    return f"spikes<{k}, {n}>(m, {drive}, {base}, {source}, {straight});"


def _steps(context: CodeContext) -> list[str]:
    """Write what starts a phase, what nudges, and a step of Brian2's functions."""
    output, populations = context.network.output_layer, context.assembly.populations
    pulls = [
        f"fill<BATCH * {context.size(layer)}>({context.at((layer, 'nudge'))}, (real)0);" for layer in context.moving
    ]
    exposed = [f"{code.name}::_run_{code.name}();" for p in populations if p.expose for code in p.expose._code_objects]
    nudging = f"pull<OUTPUTS>(m, {context.at((output, 'nudge'))}, beta, {context.at((output, 'readout'))}, wanted);"
    remembering = [
        f"copy<BATCH * {size}>({context.at((layer, 'activity_before'))}, {context.at((layer, 'activity'))});"
        for population in populations
        if population.follows_steps
        for layer, size in population.layers.items()
    ]
    advancing = [f"{'if (learns) ' if learns else ''}{code}::_run_{code}();" for learns, codes in context.objects for code in codes]
    return [
        *_function("begin_phase", "", pulls + exposed),
        *_function("nudge", "int m, real beta, const real* wanted", [nudging]),
        *_function("remember", "", remembering),
        *_function("advance", "bool learns", advancing),
        *_function("read", "int m, real* out", [f"std::copy_n({context.at((output, 'readout'))}, m * OUTPUTS, out);"]),
    ]


def _learning(context: CodeContext) -> list[str]:
    """Write what is noted for each parameter, and how it moves."""
    storage, forgetting, noting, ending, updating = [], [], [], [], []
    posts = sorted({term.post for each in context.updates for term in each.terms if term.pre is None})
    sums = {post: f"sum_{index}" for index, post in enumerate(posts)}
    for (layer, variable), total in sums.items():
        n = context.size(layer)
        storage.append(f"static real {total}[BATCH * {n}];")
        noting.append(f"add<BATCH * {n}>({total}, {context.at((layer, variable))});")
    for index, each in enumerate(context.updates):
        change, slope = f"change_{index}", f"slopes[{index}] / m"
        pre, post = context.shape(each.name)
        cells = f"BATCH * {post}" if each.clamped else f"{pre * post}"
        storage.append(f"static real {change}[{cells}];")
        forgetting.append(f"fill<{cells}>({change}, (real)0);")
        for term in each.terms:
            factor = f"(real)({term.weight!r} * {slope})"
            if term.pre is None:
                ending.append(f"add_scaled<{post}>(m, {change}, {factor}, {sums[term.post]});")
            else:
                few, many = sorted((term.pre, term.post), key=lambda key: context.size(key[0]))
                sizes = f"{context.size(few[0])}, {context.size(many[0])}"
                noting.append(f"outer<{sizes}>(m, {change}, {factor}, {context.at(few)}, {context.at(many)});")
        updating += _moved(context, each, index)
    for (layer, _), total in sums.items():
        ending.append(f"fill<BATCH * {context.size(layer)}>({total}, (real)0);")
    return [
        *storage,
        *_function("forget", "", forgetting),
        *_function("note", "int m, const double* slopes", noting),
        *_function("end_phase", "int m, const double* slopes", ending),
        *_function("update", "int m, const double* rates, real* const* params", updating),
    ]


def _moved(context: CodeContext, each: ParameterUpdate, index: int) -> list[str]:
    (pre, post), weight = context.shape(each.name), f"params[{index}]"
    rate, change = f"(real)rates[{index}]", f"change_{index}"
    if each.name not in context.network.projections:
        return [f"move_bias<{post}>(m, {weight}, {rate}, {change});"]
    if each.clamped:
        lines = [f"move_clamped<{pre}, {post}>(sent, {weight}, {rate}, {change});"]
    else:
        # The shorter side came first in the products; of two equal ones the presynaptic.
        lines = [f"move<{pre}, {post}, {str(post < pre).lower()}>({weight}, {rate}, {change});"]
    within = bounds(context.network, each.name)
    if within is not None:
        low, high = (_number_text(limit) for limit in within)
        lines.append(f"keep_within<{pre * post}>({weight}, {low}, {high});")
    return lines


def _number_text(value: float) -> str:
    infinite = "std::numeric_limits<real>::infinity()"
    return f"(real){value!r}" if np.isfinite(value) else infinite if value > 0 else f"-{infinite}"
