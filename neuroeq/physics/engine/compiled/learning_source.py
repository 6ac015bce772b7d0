"""Writes the C++ of what is noted for each parameter during the phases of a batch, and of how it then moves."""

from __future__ import annotations

import numpy as np

from neuroeq.describe.network import bias_bounds, bounds, mask

from ..noise import PRUNE, number_of
from .code_context import CodeContext, function
from .updates import ParameterUpdate, Product

WIDE = 64
"""Number of columns from which it pays to skip rows of units that did not spike."""


def learning_source(context: CodeContext) -> list[str]:
    """Return the functions ``forget``, ``note``, ``end_phase``, ``gather``, ``update`` and ``prune``."""
    storage, forgetting, noting, ending, updating, gathering = [], [], [], [], [], []
    posts = sorted({term.post for each in context.updates for term in each.terms if term.pre is None})
    sums = {post: f"sum_{index}" for index, post in enumerate(posts)}
    for (layer, variable), total in sums.items():
        n = context.size(layer)
        storage.append(f"static real {total}[BATCH * {n}];")
        noting.append(f"add<BATCH * {n}>({total}, {context.at((layer, variable))});")
    for index, each in enumerate(context.updates):
        pre, post = context.shape(each.name)
        cells = f"BATCH * {post}" if each.clamped else f"{pre * post}"
        if each.name in context.convolutions and not each.clamped:
            cells = f"kernels_{each.name}.CELLS"
        if each.name in context.sparse:
            storage.append(f"static std::vector<real> edge_{index};")
            forgetting.append(f"edge_{index}.assign(edges_{each.name}.count(), 0);")
        for change in _changes(context, each, index):
            storage.append(f"static real {change}[{cells}];")
            forgetting.append(f"fill<{cells}>({change}, (real)0);")
        for term in each.terms:
            factor = f"(real)({term.weight!r} * slopes[{index}] / m)"
            if term.pre is None:
                ending.append(f"add_scaled<{post}>(m, change_{index}, {factor}, {sums[term.post]});")
            else:
                noting.append(_noted(context, each, index, term, factor))
        held, moving = _moved(context, each, index)
        storage += held
        updating += moving
        gathering += _summed(context, each, index, f"changes[{index}]", "(real)1")
    for (layer, _), total in sums.items():
        ending.append(f"fill<BATCH * {context.size(layer)}>({total}, (real)0);")
    return [
        *storage,
        *function("forget", "", forgetting),
        *function("note", "int m, const double* slopes", noting),
        *function("end_phase", "int m, const double* slopes", ending),
        *function("gather", "int m, real* const* changes", gathering),
        *function("update", "int m, const Work& work", updating),
        *_pruning(context),
    ]


def _noted(context: CodeContext, each: ParameterUpdate, index: int, term: Product, factor: str) -> str:
    """Return the line that adds a factor times the products of the units of two moving layers."""
    assert term.pre is not None
    if each.name in context.convolutions:
        outer = "outer_to_few" if _turned(context, each.name, term) else "outer"
        outer = "outer_of_few" if term.pre[1] == "spike" else outer
        arrays = f"{_name(context, each.name, term, index)}, {factor}, {context.at(term.pre)}, {context.at(term.post)}"
        return f"kernels_{each.name}.{outer}(m, {arrays});"
    if each.name in context.sparse:
        ends = enumerate((term.pre, term.post))
        sides = ", ".join(f"by_unit<{context.size(key[0])}, {i}>(m, {context.at(key)})" for i, key in ends)
        return f"edges_{each.name}.outer(edge_{index}.data(), {factor}, {sides});"
    rows, columns = (term.post, term.pre) if _turned(context, each.name, term) else (term.pre, term.post)
    sizes, change = f"{context.size(rows[0])}, {context.size(columns[0])}", _name(context, each.name, term, index)
    outer = "outer_of_few" if rows[1] == "spike" else "outer"
    return f"{outer}<{sizes}>(m, {change}, {factor}, {context.at(rows)}, {context.at(columns)});"


def _turned(context: CodeContext, name: str, term: Product) -> bool:
    """Whether the products of a term are kept as (post, pre): rows are those of the side that is 0 more often."""
    assert term.pre is not None
    pre, post = context.size(term.pre[0]), context.size(term.post[0])
    if name in context.convolutions:
        return term.post[1] == "spike" and term.pre[1] != "spike"
    if term.post[1] == "spike" and pre >= WIDE:
        return True
    return post < pre and not (term.pre[1] == "spike" and post >= WIDE)


def _name(context: CodeContext, name: str, term: Product, index: int) -> str:
    return f"turned_{index}" if term.pre is not None and _turned(context, name, term) else f"change_{index}"


def _changes(context: CodeContext, each: ParameterUpdate, index: int) -> list[str]:
    """Return the arrays that the products of a parameter are summed in, apart from those of single synapses."""
    if each.name in context.sparse and not each.clamped:
        return []
    return sorted({_name(context, each.name, term, index) for term in each.terms})


def _moved(context: CodeContext, each: ParameterUpdate, index: int) -> tuple[list[str], list[str]]:
    """Return what a parameter needs to be stored beside its change, and the lines that move it."""
    weight = f"work.params[{index}]"
    rate = f"(real)work.rates[{index}]"
    steps = _descent(context, each)
    if each.name in context.sparse:
        return [], _over_edges(context, each, index, steps)
    if not steps:
        return [], _plain(context, each, index)
    total, cells = f"total_{index}", context.count(each.name)
    storage = [f"static real {total}[{cells}];"]
    zeroed = f"fill<{cells}>({total}, (real)0);"
    gathered = [zeroed, *_summed(context, each, index, total, "(real)1")]
    pointers = {"w": weight, "v": f"work.velocities[{index}]", "mask": f"work.masks[{index}]"}
    used = "\n".join(steps)
    loop = [
        "{",
        *(f"    real* __restrict {name} = (real*){where};" for name, where in pointers.items() if f"{name}[i]" in used),
        f"    const real rate = {rate};",
        f"    for (int i = 0; i < {cells}; ++i) {{",
        f"        real change = {total}[i];",
        *(f"        {line}" for line in steps),
        "    }",
        "}",
    ]
    return storage, [*gathered, *loop]


def _over_edges(context: CodeContext, each: ParameterUpdate, index: int, steps: list[str]) -> list[str]:
    """Return the lines that move the weights of the synapses of a sparse projection."""
    pre, post = context.shape(each.name)
    edges = f"edges_{each.name}"
    return [
        *_of_inputs(context, each, index),
        "{",
        f"    real *w = work.params[{index}], *v = work.velocities[{index}];",
        f"    const real rate = (real)work.rates[{index}];",
        f"    for (int k = 0; k < {pre}; ++k) {{",
        f"        for (int e = {edges}.starts[k]; e < {edges}.starts[k + 1]; ++e) {{",
        f"            const int i = k * {post} + {edges}.posts[e];",
        f"            real change = edge_{index}[e];",
        *(f"            {line}" for line in steps),
        "        }",
        "    }",
        "}",
    ]


def _of_inputs(context: CodeContext, each: ParameterUpdate, index: int) -> list[str]:
    """Return the lines that sum the products of a clamped input and what follows it over single synapses."""
    if not each.clamped:
        return []
    change = f"by_unit<{context.shape(each.name)[1]}, 1>(m, change_{index})"
    return [f"edges_{each.name}.outer(edge_{index}.data(), (real)1, sent_by_unit, {change});"]


def _plain(context: CodeContext, each: ParameterUpdate, index: int) -> list[str]:
    """Return the lines that move a parameter by its rate times its change, and keep it within its bounds."""
    weight = f"work.params[{index}]"
    lines = _summed(context, each, index, weight, f"(real)work.rates[{index}]")
    within = _within(context, each.name)
    if within is not None:
        lines.append(f"keep_within<{context.count(each.name)}>({weight}, {_limit(within[0])}, {_limit(within[1])});")
    return lines


def _summed(context: CodeContext, each: ParameterUpdate, index: int, to: str, rate: str) -> list[str]:
    """Return the lines that add a rate times a parameter's sums of products."""
    pre, post = context.shape(each.name)
    if each.name in context.sparse:  # where the rate is 1
        return [*_of_inputs(context, each, index), f"edges_{each.name}.spread({to}, edge_{index}.data());"]
    if each.name not in context.network.projections:
        return [f"move_bias<{post}, {post // context.count(each.name)}>(m, {to}, {rate}, change_{index});"]
    if each.name in context.convolutions:
        if each.clamped:
            return [f"kernels_{each.name}.move(m, {to}, {rate}, shown, change_{index});"]
        return [
            f"kernels_{each.name}.narrow<{str(change.startswith('turned')).lower()}>({to}, {rate}, {change});"
            for change in _changes(context, each, index)
        ]
    if each.clamped:
        return [f"move_clamped<{pre}, {post}>(sent, {to}, {rate}, change_{index});"]
    return [
        f"move<{pre}, {post}, {str(change.startswith('turned')).lower()}>({to}, {rate}, {change});"
        for change in _changes(context, each, index)
    ]


def _descent(context: CodeContext, each: ParameterUpdate) -> list[str]:
    """Return the statements of the optimiser for weight i, as in `neuroeq.learning.optimiser`; none if it is plain."""
    network, training = context.network, context.network.training
    weights = each.name in network.projections
    kind = training.step.kind if weights else "gradient"
    pruned = weights and training.prune is not None
    sparse = each.name in context.sparse
    masked = weights and not sparse and mask(network, each.name) is not None
    decaying, shrunk = weights and training.weight_decay, weights and training.l1
    if kind == "gradient" and not (training.momentum or decaying or shrunk or masked or pruned or sparse):
        return []
    lines = ["change *= mask[i];"] if masked else []
    lines.append("const real old = w[i];")
    if decaying:
        lines.append("change -= (real)work.decay * old;")
    if kind == "gradient" and training.momentum:
        lines.append("v[i] = change += (real)work.momentum * v[i];")
    lines += _STEPS[kind]
    if shrunk:
        lines.append("moved -= (real)work.l1 * ((old > 0) - (old < 0));")
    within = _within(context, each.name)
    if within is not None:
        lines.append(f"moved = std::min(std::max(moved, {_limit(within[0])}), {_limit(within[1])});")
        lines += ["moved *= mask[i];"] if masked else []
    lines += ["moved = old == 0 ? (real)0 : moved;"] if pruned else []
    return [*lines, "w[i] = moved;"]


def _pruning(context: CodeContext) -> list[str]:
    """Write how edges are removed after an update, from the sums over all edges into each unit."""
    network, storage, summing, removing = context.network, [], [], []
    projections = network.projections if network.training.prune else {}
    for layer in dict.fromkeys(ends.target for ends in projections.values()):
        storage.append(f"static real edges_{layer}[{context.size(layer)}];")
        summing.append(f"fill<{context.size(layer)}>(edges_{layer}, (real)0);")
    for name, ends in projections.items():
        (pre, post), into, weight = context.shape(name), f"edges_{ends.target}", context.held(name)
        small, scale = f"small_{name}", "work.below, work.temperature"
        storage.append(f"static Small<{pre}, {post}> {small};")
        summing.append(f"add_factors<{pre}, {post}>({into}, {small}, {weight}, {scale});")
        if ends.learning_rate:
            pairs = str(ends.source == ends.target and not ends.directed).lower()
            sizes, number = f"{pre}, {post}, {pairs}", f"{number_of(name, PRUNE)}u"
            removing.append(f"remove_edges<{sizes}>({weight}, {into}, {small}, key, {number}, {scale});")
    return [*storage, *function("prune", "const Work& work, uint64_t key", [*summing, *removing])]


def _within(context: CodeContext, name: str) -> tuple[float, float] | None:
    weights = name in context.network.projections
    return (bounds if weights else bias_bounds)(context.network, name)


_STEPS = {
    "gradient": ["real moved = old + rate * change;"],
    "sign": [
        "const bool large = std::abs(change) > (real)work.threshold;",
        "real moved = old + rate * (large ? (real)((change > 0) - (change < 0)) : (real)0);",
    ],
    "binary": [
        "v[i] = (real)(1 - work.inertia) * v[i] + (real)work.inertia * rate * change;",
        "real moved = -(real)((old > 0) - (old < 0)) * v[i] > (real)work.threshold ? -old : old;",
    ],
}
"""The step of a weight, by the kind that the recipe names."""


def _limit(value: float) -> str:
    infinite = "std::numeric_limits<real>::infinity()"
    return f"(real)({value!r}L * work.unit)" if np.isfinite(value) else infinite if value > 0 else f"-{infinite}"
