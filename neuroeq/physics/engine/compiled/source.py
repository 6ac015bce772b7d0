"""Writes the C++ of a network's training that Brian2 does not generate, for its layers and projections.

The code refers to Brian2's arrays and to the functions of its code objects, and calls the kernels of ``kernels.h`` on
them; ``training_loop.h`` calls it in turn. Sizes are constants, so that the compiler can unroll loops.
"""

from __future__ import annotations

from neuroeq.contract import Stop

from ..initial import start
from ..memory import persisting
from ..noise import number_of
from .code_context import MATHS, CodeContext, c_type, function
from .learning_source import learning_source
from .projection_source import arriving, product, stored
from .support import drive_slope
from .updates import FREE, MOVED


def training_source(context: CodeContext) -> str:
    """Return the C++ functions that ``training_loop.h`` calls, for a network and its Brian2 objects."""
    network, phases = context.network, context.network.phases
    constants = {
        "INPUTS": context.size(network.input_layer),
        "OUTPUTS": context.size(network.output_layer),
        "LEARNED": len(context.updates),
        "NUDGED": 2 if phases.variant == "centred" else 1,
        "CHECKED_EVERY": Stop(1).every,
        "IN_SITU": int(network.training.learning == "in_situ"),
        "EVERY_STEP": int(network.training.update == "every_step"),
    }
    lines = [f"constexpr int {name} = {value};" for name, value in constants.items()]
    lines += ["struct Ends { int steps; double tolerance; };"]  # of a phase; -1 for no tolerance
    for name, relaxation in (("FREE", phases.free), ("NUDGED_PHASE", phases.nudged)):
        tolerance = -1.0 if relaxation.tolerance is None else relaxation.tolerance
        lines.append(f"constexpr Ends {name} = {{{relaxation.n_steps(context.dt)}, {tolerance!r}L}};")
    lines.append(f"static real* held[{len(context.names)}];")
    lines += ["static Sent<INPUTS> sent;", "static const real* sent_by_unit;", "static real shown[BATCH * INPUTS];"]
    return "\n".join(
        [*lines, *_time(context), *_states(context), *_drives(context), *_steps(context), *learning_source(context), ""]
    )


def _time(context: CodeContext) -> list[str]:
    clock = {name: context.array(context.assembly.clock.variables[name]) for name in ("timestep", "t", "dt")}
    dt = f"(double){context.dt!r}L"
    set_time = f"{clock['t']}[0] = {clock['timestep']}[0] * {dt};"
    return [
        f"static int64_t time_step() {{ return {clock['timestep']}[0]; }}",
        *function("set_step", "int64_t k", [f"{clock['dt']}[0] = {dt};", f"{clock['timestep']}[0] = k;", set_time]),
        *function("tick", "", [f"{clock['timestep']}[0] += 1;", set_time]),
    ]


def _states(context: CodeContext) -> list[str]:
    """Write how states start, and how they are kept and found again."""
    resting, saving, restoring, storage = [], [], [], []
    for population in context.assembly.populations:
        n = context.block(population)
        for name in (*population.state_arrays, *population.constants):
            array, kind = context.array(population.group.variables[name]), c_type(population.group.variables[name])
            begin = population.model.initial.get(name, {"lastspike": -1e4, "not_refractory": 1}.get(name, 0))
            if name in population.drawn:
                resting.append(f"copy<{n}>({array}, starts[{context.number(population, name)}] + batch * {n});")
            else:
                resting.append(f"fill<{n}>({array}, ({kind}){start(begin)[0]!r});")
            if name in population.constants:
                continue
            storage.append(f"static {kind} kept{array}[{n}];")
            saving.append(f"copy<{n}>(kept{array}, {array});")
            restoring.append(f"copy<{n}>({array}, kept{array});")
        if population.reads("unit"):
            for layer, size in population.layers.items():
                unit = context.at((layer, "unit"))
                resting.append(f"for (int i = 0; i < BATCH * {size}; ++i) {unit}[i] = i % {size};")
    placing, keeping = _particles(context)
    return [
        *storage,
        *function("place", "int m, int first, const Work& work", placing),
        *function("keep", "int m, int first, const Work& work", keeping),
        *function("rest", "const real* const* starts, int batch", resting),
        *function("save", "", saving),
        *function("restore", "", restoring),
    ]


def _particles(context: CodeContext) -> tuple[list[str], list[str]]:
    """Write how samples start from their particles, and how they become those of the next epoch."""
    placing, keeping = [], []
    kept = persisting(context.assembly) if context.network.phases.persistent else []
    for index, (population, layer, name) in enumerate(kept):
        n, array = population.layers[layer], context.at((layer, name))
        particle = f"(work.particles[{index}] + (first + s) * {n})"
        each = "for (int s = 0; s < m; ++s)"
        placing.append(f"{each} if (work.seen[first + s]) copy<{n}>({array} + s * {n}, {particle});")
        keeping.append(f"{each} copy<{n}>({particle}, {array} + s * {n});")
    return placing, keeping


def _drives(context: CodeContext) -> list[str]:
    """Write what arrives at each layer: of clamped inputs once for a batch, of moving layers at every step."""
    network, moving, given = context.network, context.moving, context.network.input_layer
    couplings = context.assembly.couplings
    backed = {c.projection for c in couplings if c.source in moving}
    storage, connecting, holding = stored(context)
    clamping: list[str] = []
    driving: list[str] = []
    holding[:0] = [f"held[{i}] = params[{i}];" for i in range(len(context.names))]
    for name in sorted(backed - set(context.sparse) - set(context.convolutions)):
        ends = network.projections[name]
        k, n = context.size(ends.source), context.size(ends.target)
        storage.append(f"static real back_{name}[{k * n}];")
        holding.append(f"transpose<{k}, {n}>(back_{name}, {context.held(name)});")
    if given in moving:  # an encoder, whose drive is the input
        clamping.append(f"copy<INPUTS>(m, {context.at((given, moving[given].drive))}, inputs);")
    else:
        clamping.append("sent.read(m, inputs);")
        if context.convolutions:
            clamping.append("copy<INPUTS>(m, shown, inputs);")
    if any(network.projections[name].source == given and given not in moving for name in context.sparse):
        clamping.append("sent_by_unit = by_unit<INPUTS, 2>(m, inputs);")
    for layer in (layer for layer in moving if layer != given):
        n = context.size(layer)
        for part, lines in zip((storage, holding, driving), _arriving(context, layer), strict=True):
            part += lines
        if network.layers[layer].bias:
            holding.append(
                f"spread<{n}, {n // context.count(f'{layer}.bias')}>({context.at((layer, 'bias'))}, "
                f"{context.held(f'{layer}.bias')});"
            )
    rings, putting = _rings(context)
    driving[:0] = putting
    return [
        *storage,
        *rings,
        *function("connect", "const int32_t* const* edges", connecting),
        *function("clamp", "int m, const real* inputs", clamping),
        *function("hold", "int m, real* const* params", holding),
        *function("drive", "int m", driving),
    ]


def _arriving(context: CodeContext, layer: str) -> tuple[list[str], list[str], list[str]]:
    """Return what stores what arrives at a layer, of each component, and the lines that hold and that drive it."""
    storage: list[str] = []
    holding: list[str] = []
    driving: list[str] = []
    n, moving = context.size(layer), context.moving
    for component, variable in moving[layer].arriving.items():
        into = [c for c in context.assembly.couplings if (c.target, c.component) == (layer, component)]
        drive, base = context.at((layer, variable)), f"given_{layer}_{component}"
        storage.append(f"static real {base}[BATCH * {n}];")
        holding.append(f"fill<BATCH * {n}>({base}, (real)0);")
        holding += [arriving(context, coupling) for coupling in into if coupling.source not in moving]
        holding.append(f"copy<BATCH * {n}>({drive}, {base});")
        for coupling in (coupling for coupling in into if coupling.source in moving):
            driving.append(product(context, coupling, drive, base))
            base = drive
    return storage, holding, driving


def _rings(context: CodeContext) -> tuple[list[str], list[str]]:
    """Return what stores emissions that are delayed, with its functions, and the lines that put those of a step."""
    delays = sorted({(each.source, each.component, each.delay) for each in context.assembly.couplings if each.delay})
    rings = {"delayed_" + "_".join(map(str, each)): each for each in delays}
    lines = [
        f"static Ring<BATCH * {context.size(layer)}, {delay}> {ring};" for ring, (layer, _, delay) in rings.items()
    ]
    for name in ("empty", "save", "restore"):
        lines += function(f"{name}_rings", "", [f"{ring}.{name}();" for ring in rings])
    sent = {ring: context.at((layer, component)) for ring, (layer, component, _) in rings.items()}
    putting = [f"{ring}.put({emission}, time_step());" for ring, emission in sent.items()]
    return lines, putting


def _steps(context: CodeContext) -> list[str]:
    """Write what starts a phase, what nudges, and a step of Brian2's functions."""
    output, populations = context.network.output_layer, context.assembly.populations
    pulls = [
        f"fill<BATCH * {context.size(layer)}>({context.at((layer, 'nudge'))}, (real)0);" for layer in context.moving
    ]
    if context.network.nudge == "clamp":
        pulls += [
            f"fill<BATCH * OUTPUTS>({context.at((output, name))}, (real)0);" for name in ("nudge_level", "nudge_held")
        ]
    exposed = [_run(context, code.name) for p in populations if p.expose for code in p.expose._code_objects]
    remembering = [
        f"copy<BATCH * {size}>({context.at((layer, f'{name}_before'))}, {context.at((layer, name))});"
        for population in populations
        if population.reads_steps
        for layer, size in population.layers.items()
        for name in population.model.components
    ]
    advancing = [
        f"{'if (learns) ' if learns else ''}{_run(context, code)}"
        for learns, codes in context.objects
        for code in codes
    ]
    drawing = [
        f"draw<BATCH * {context.size(place[0])}, {str(kind == 'randn()').lower()}>"
        f"({context.at(place)}, key, time_step(), {number_of(*place)}u);"
        for population in populations
        for place, kind in population.noise.items()
    ]
    return [
        *function("begin_phase", "", pulls + exposed),
        *_pulls(context),
        *_residual(context),
        *_observed(context),
        *function("remember", "", remembering),
        *function("draw_noise", "uint64_t key", drawing),
        *function("advance", "bool learns", advancing),
        *_count(context),
        *function("read", "int m, real* out", [f"std::copy_n({context.at((output, 'readout'))}, m * OUTPUTS, out);"]),
    ]


def _run(context: CodeContext, code: str) -> str:
    """Return the call of a Brian2 function for all units of its population."""
    n = next(context.block(each) for each in context.assembly.populations if code.startswith(f"{each.group.name}_"))
    return f"shared({n}, 64, 8, [](int from, int to) {{ {code}::_run_{code}(from, to); }});"


def _count(context: CodeContext) -> list[str]:
    """Write how the spikes of a step are counted."""
    counting = ["int64_t total = 0;"]
    for population in (each for each in context.assembly.populations if each.model.emits == "spikes"):
        spike, n = context.array(population.group.variables["spike"]), context.block(population)
        counting.append(f"for (int i = 0; i < {n}; ++i) total += {spike}[i] != 0;")
    return ["static int64_t count_spikes() {", *(f"    {line}" for line in counting), "    return total;", "}"]


def _pulls(context: CodeContext) -> list[str]:
    """Write how outputs are nudged: at every step, or once by the outputs of the free phase."""
    phases, output = context.network.phases, context.network.output_layer
    readout = context.at((output, "readout"))
    if phases.cost == "cross_entropy":
        pull = f"pull_by_softmax<OUTPUTS>(m, %s, beta, {readout}, wanted, (real){phases.temperature!r});"
    else:
        pull = f"pull<OUTPUTS>(m, %s, beta, {readout}, wanted);"
    always, once = [], []
    match context.network.nudge:
        case "held_current":
            once = [pull % context.at((output, "nudge"))]
        case "clamp":
            level, held = (context.at((output, name)) for name in ("nudge_level", "nudge_held"))
            once = [
                pull % level,
                f"add<OUTPUTS>(m, {level}, {readout});",
                f"std::fill_n({held}, m * OUTPUTS, (real)1);",
            ]
        case _:
            always = [pull % context.at((output, "nudge"))]
    arguments = "int m, real beta, const real* wanted"
    return [*function("pull_once", arguments, once), *function("pull_always", arguments, always)]


def _observed(context: CodeContext) -> list[str]:
    """Write what a vector-field rule reads at the end of a phase: free activities, and states times their slopes."""
    storage, observing = [], []
    for layer, population in context.moving.items() if context.network.training.rule == "vector_field" else ():
        n, state = context.size(layer), context.at((layer, population.model.state))
        activity, moved = (context.at((layer, name)) for name in (FREE, MOVED))
        storage += [f"static real {name}[BATCH * {n}];" for name in (activity, moved, f"slope_{layer}")]
        observing += [
            "if (free) {",
            f"    copy<{n}>(m, {activity}, {context.at((layer, 'activity'))});",
            f"    for (int i = 0; i < m * {n}; ++i) {{",
            f"        {MATHS}",
            f"        const real {population.model.state} = {state}[i];",
            f"        slope_{layer}[i] = {drive_slope(population.model)};",
            "    }",
            "}",
            f"for (int i = 0; i < m * {n}; ++i) {moved}[i] = slope_{layer}[i] * {state}[i];",
        ]
    return [*storage, *function("observe", "int m, bool free", observing)]


def _residual(context: CodeContext) -> list[str]:
    """Write how the states before a step are kept, and the largest change of one over the step, as a residual."""
    storage, looking, finding = [], [], ["double largest = 0;"]
    for layer, population in context.moving.items():
        if layer == context.network.input_layer:
            continue
        state, n = context.at((layer, population.model.state)), context.size(layer)
        storage.append(f"static real looked_{layer}[BATCH * {n}];")
        looking.append(f"copy<BATCH * {n}>(looked_{layer}, {state});")
        scale = f"(double){population.steps_of_time_constant!r}L"
        finding.append(f"largest = worst(largest, {scale} * change_of<{n}>(m, {state}, looked_{layer}));")
    return [
        *storage,
        *function("look", "", looking),
        "static double residual(int m) {",
        *(f"    {line}" for line in finding),
        "    return largest;",
        "}",
    ]
