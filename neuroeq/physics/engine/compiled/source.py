"""The C++ of a network's training: what Brian2 does not generate, written out for its layers and projections.

It names Brian2's arrays and the functions of its code objects, calls the kernels of ``kernels.h`` on them, and is led
by ``conductor.h``. Sizes are constants, so that the compiler can unroll.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from neuroeq.describe.network import bounds

from ..coupling import Coupling
from ..initial import limits
from ..population import Population
from .learned import Learned
from .score import Score, c_type

FEW = 32
"""Columns up to which spikes are multiplied like any other numbers."""


def conducted(score: Score, nudged: int, steps: tuple[int, int]) -> str:
    """Return the C++ of a training with so many nudged phases, and so many steps in the free phase and in those."""
    network = score.network
    constants = {
        "INPUTS": score.size(network.input_layer),
        "OUTPUTS": score.size(network.output_layer),
        "LEARNED": len(score.learned),
        "NUDGED": nudged,
        "FREE_STEPS": steps[0],
        "NUDGED_STEPS": steps[1],
    }
    lines = [f"constexpr int {name} = {value};" for name, value in constants.items()]
    lines.append(f"constexpr bool IN_SITU = {str(network.training.learning == 'in_situ').lower()};")
    lines.append(f"static real* held[{len(score.names)}];")
    lines.append("static Sent<INPUTS> sent;")
    return "\n".join([*lines, *_time(score), *_states(score), *_drives(score), *_steps(score), *_learning(score), ""])


def _function(name: str, arguments: str, body: Iterable[str]) -> list[str]:
    return [f"static void {name}({arguments}) {{", *(f"    {line}" for line in body), "}"]


def _time(score: Score) -> list[str]:
    clock = {name: score.array(score.assembly.clock.variables[name]) for name in ("timestep", "t", "dt")}
    dt = repr(float(score.assembly.clock.dt))
    set_time = f"{clock['t']}[0] = {clock['timestep']}[0] * {dt};"
    return [
        *_function("rewind", "int k", [f"{clock['dt']}[0] = {dt};", f"{clock['timestep']}[0] = k;", set_time]),
        *_function("tick", "", [f"{clock['timestep']}[0] += 1;", set_time]),
    ]


def _states(score: Score) -> list[str]:
    """Write how states start, and how they are kept and found again."""
    resting, saving, restoring, storage = [], [], [], []
    for population in score.assembly.populations:
        n = score.block(population)
        for name in population.state_arrays:
            array, kind = score.array(population.group.variables[name]), c_type(population.group.variables[name])
            start = population.model.initial.get(name, {"lastspike": -1e4, "not_refractory": 1}.get(name, 0))
            if name in population.drawn:
                resting.append(f"copy<{n}>({array}, starts[{score.number(population, name)}] + batch * {n});")
            else:
                resting.append(f"fill<{n}>({array}, ({kind}){limits(start)[0]!r});")
            storage.append(f"static {kind} kept{array}[{n}];")
            saving.append(f"copy<{n}>(kept{array}, {array});")
            restoring.append(f"copy<{n}>({array}, kept{array});")
        if population.model.emits == "spikes":
            array = score.events(population)
            resting.append(f"{array}[{n}] = 0;")
            storage.append(f"static int32_t kept{array}[{n + 1}];")
            saving.append(f"copy<{n + 1}>(kept{array}, {array});")
            restoring.append(f"copy<{n + 1}>({array}, kept{array});")
        if population.reads("unit"):
            for layer, size in population.layers.items():
                unit = score.at((layer, "unit"))
                resting.append(f"for (int i = 0; i < BATCH * {size}; ++i) {unit}[i] = i % {size};")
    return [
        *storage,
        *_function("rest", "const real* const* starts, int batch", resting),
        *_function("save", "", saving),
        *_function("restore", "", restoring),
    ]


def _drives(score: Score) -> list[str]:
    """Write what arrives at each layer: of clamped inputs once for a batch, of moving layers at every step."""
    network, moving = score.network, score.moving
    sources = {layer: [c for c in score.assembly.couplings if c.target == layer] for layer in moving}
    backed = {c.projection for couplings in sources.values() for c in couplings if c.source in moving}
    storage, clamping, driving = [], ["sent.read(m, x);"], []
    clamping += [f"held[{i}] = params[{i}];" for i in range(len(score.names))]
    for name in sorted(backed):
        ends = network.projections[name]
        k, n = score.size(ends.source), score.size(ends.target)
        storage.append(f"static real back_{name}[{k * n}];")
        clamping.append(f"transpose<{k}, {n}>(back_{name}, {score.held(name)});")
    for layer, couplings in sources.items():
        n, drive = score.size(layer), score.at((layer, moving[layer].drive))
        storage.append(f"static real given_{layer}[BATCH * {n}];")
        clamping.append(f"fill<BATCH * {n}>(given_{layer}, (real)0);")
        for coupling in (c for c in couplings if c.source not in moving):
            clamping.append(f"clamped<INPUTS, {n}>(sent, given_{layer}, {score.held(coupling.projection)});")
        clamping.append(f"copy<BATCH * {n}>({drive}, given_{layer});")
        base = f"given_{layer}"
        for coupling in (c for c in couplings if c.source in moving):
            driving.append(_product(score, coupling, drive, base))
            base = drive
        if network.layers[layer].bias:
            clamping.append(f"spread<{n}>({score.at((layer, 'bias'))}, {score.held(f'{layer}.bias')});")
    return [
        *storage,
        *_function("clamp", "int m, const real* x, real* const* params", clamping),
        *_function("drive", "int m", driving),
    ]


def _product(score: Score, coupling: Coupling, drive: str, base: str) -> str:
    k, n = score.size(coupling.source), score.size(coupling.target)
    straight, turned = score.held(coupling.projection), f"back_{coupling.projection}"
    if coupling.transposed:
        straight, turned = turned, straight
    if score.emitted == "activity" or n < FEW:
        source = score.at((coupling.source, score.emitted))
        return f"product<{k}, {n}>(m, {drive}, {base}, {source}, {straight}, {turned});"
    population = score.moving[coupling.source]
    events, start = score.events(population), population.start(coupling.source)
    total = score.block(population)
    value = f"(real){population.spike_value!r}"
    return f"spikes<{k}, {n}>(m, {drive}, {base}, {events}, {events}[{total}], {start}, {value}, {straight});"


def _steps(score: Score) -> list[str]:
    """Write what starts a phase, what nudges, and a step of Brian2's functions."""
    output, populations = score.network.output_layer, score.assembly.populations
    pulls = [f"fill<BATCH * {score.size(layer)}>({score.at((layer, 'nudge'))}, (real)0);" for layer in score.moving]
    exposed = [f"{code.name}::_run_{code.name}();" for p in populations if p.expose for code in p.expose._code_objects]
    nudging = f"pull<OUTPUTS>(m, {score.at((output, 'nudge'))}, beta, {score.at((output, 'readout'))}, wanted);"
    remembering = [
        f"copy<BATCH * {size}>({score.at((layer, 'activity_before'))}, {score.at((layer, 'activity'))});"
        for population in populations
        if population.follows_steps
        for layer, size in population.layers.items()
    ]
    gathering = [line for p in populations if p.model.emits == "spikes" for line in _gathered(score, p)]
    advancing: list[str] = []
    for when, learns, codes in score.objects:
        if when in ("resets", "end") and gathering:
            advancing, gathering = advancing + gathering, []
        advancing += [f"{'if (learns) ' if learns else ''}{code}::_run_{code}();" for code in codes]
    return [
        *_function("begin_phase", "", pulls + exposed),
        *_function("nudge", "int m, real beta, const real* wanted", [nudging]),
        *_function("remember", "", remembering),
        *_function("advance", "bool learns", advancing + gathering),
        *_function("read", "int m, real* out", [f"std::copy_n({score.at((output, 'readout'))}, m * OUTPUTS, out);"]),
    ]


def _gathered(score: Score, population: Population) -> list[str]:
    n = score.block(population)
    events, spike = score.events(population), score.array(population.group.variables["spike"])
    return [
        f"fill<{n}>({spike}, (real)0);",
        f"for (int i = 0; i < {events}[{n}]; ++i) {spike}[{events}[i]] = (real){population.spike_value!r};",
    ]


def _learning(score: Score) -> list[str]:
    """Write what is noted for each parameter, and how it moves."""
    storage, forgetting, noting, ending, updating = [], [], [], [], []
    posts = sorted({term.post for each in score.learned for term in each.terms if term.pre is None})
    sums = {post: f"sum_{index}" for index, post in enumerate(posts)}
    for (layer, variable), total in sums.items():
        n = score.size(layer)
        storage.append(f"static real {total}[BATCH * {n}];")
        noting.append(f"add<BATCH * {n}>({total}, {score.at((layer, variable))});")
    for index, each in enumerate(score.learned):
        change, slope = f"change_{index}", f"slopes[{index}] / m"
        pre, post = score.shape(each.name)
        cells = f"BATCH * {post}" if each.clamped else f"{pre * post}"
        storage.append(f"static real {change}[{cells}];")
        forgetting.append(f"fill<{cells}>({change}, (real)0);")
        for term in each.terms:
            factor = f"(real)({term.weight!r} * {slope})"
            if term.pre is None:
                ending.append(f"add_scaled<{post}>(m, {change}, {factor}, {sums[term.post]});")
            else:
                few, many = sorted((term.pre, term.post), key=lambda key: score.size(key[0]))
                sizes = f"{score.size(few[0])}, {score.size(many[0])}"
                noting.append(f"outer<{sizes}>(m, {change}, {factor}, {score.at(few)}, {score.at(many)});")
        updating += _moved(score, each, index)
    for (layer, _), total in sums.items():
        ending.append(f"fill<BATCH * {score.size(layer)}>({total}, (real)0);")
    return [
        *storage,
        *_function("forget", "", forgetting),
        *_function("note", "int m, const double* slopes", noting),
        *_function("end_phase", "int m, const double* slopes", ending),
        *_function("update", "int m, const double* rates, real* const* params", updating),
    ]


def _moved(score: Score, each: Learned, index: int) -> list[str]:
    (pre, post), weight = score.shape(each.name), f"params[{index}]"
    rate, change = f"(real)rates[{index}]", f"change_{index}"
    if each.name not in score.network.projections:
        return [f"move_bias<{post}>(m, {weight}, {rate}, {change});"]
    if each.clamped:
        lines = [f"move_clamped<{pre}, {post}>(sent, {weight}, {rate}, {change});"]
    else:
        # The shorter side came first in the products; of two equal ones the presynaptic.
        lines = [f"move<{pre}, {post}, {str(post < pre).lower()}>({weight}, {rate}, {change});"]
    within = bounds(score.network, each.name)
    if within is not None:
        low, high = (_number_text(limit) for limit in within)
        lines.append(f"keep_within<{pre * post}>({weight}, {low}, {high});")
    return lines


def _number_text(value: float) -> str:
    infinite = "std::numeric_limits<real>::infinity()"
    return f"(real){value!r}" if np.isfinite(value) else infinite if value > 0 else f"-{infinite}"
