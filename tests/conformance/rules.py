"""Every rule on every substrate: refused, or run on one small problem and compared with the gradient.

`python -m tests.conformance.rules` writes what it finds into the table of docs/rules.md.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from neuroeq.contract import Params, Stop
from neuroeq.describe.spec import SUBSTRATES, Network, overlay
from neuroeq.errors import NeuroeqError
from neuroeq.learning.costs import cost_of
from neuroeq.learning.optimiser import Descent
from neuroeq.learning.phases import nudges
from neuroeq.learning.rules import Trial, estimate
from neuroeq.measures.fidelity import implicit_gradient
from tests.nets import batch_of, cosine, feedback_at, flat, network, params_of, substrate_of
from tests.physics.substrates.test_spiking import SIZES, inner_problem

TRIALS_OF_NOISE = 10
"""Trials of the same weights whose changes are added where units draw random numbers."""
PAGE = Path(__file__).parents[2] / "docs" / "rules.md"
MARK = "<!-- measured -->"
ANGLE = 60.0
FEEDBACK = {"source": "output", "target": "hidden1", "directed": True, "learning_rate": 0.1}
DIRECTED = {"projections": {"hidden1_output": {"directed": True}, "output_hidden1": FEEDBACK}}
CONTRAST = {"learning": "contrastive"}
SLOW = {"tau_fast": "50 ms", "tau_slow": "200 ms"}
SETTLED = (Stop(4000, 1e-12),) * 2
STOPS = {
    "rate": SETTLED,
    "oscillator": SETTLED,
    "crossbar": SETTLED,
    "spiking": (Stop(2000), Stop(1000)),
    "resistive": (Stop(200), Stop(200)),
}
"""Of the free and the nudged phase, to settle in."""
MODELS = {
    "oscillator": {"neuron": "kuramoto", "synapse": "oscillator"},
    "crossbar": {"neuron": "hard_sigmoid", "synapse": "rate_derivative"},
}
"""Of substrates that the tables of the tests do not describe."""


NOTHING = 1e-9
"""Size of a change, over the gradient's, that is rounding."""


@dataclass(frozen=True)
class Rule:
    """A row of the table.

    Parameters
    ----------
    name, paper
        As the table shows them.
    setting
        What a network file says.
    over
        The same as a table, on all substrates.
    synapses
        The synapse it is on some substrates, where the rule is a synapse.
    neuron
        The model it needs.
    on
        Substrates that it exists for; it is asked for on all others too, and must be refused there.
    """

    name: str
    paper: str
    setting: str
    over: dict[str, Any]
    synapses: dict[str, str] | None = None
    neuron: str | None = None
    on: tuple[str, ...] = SUBSTRATES


def _rule(rule: str, **phases: Any) -> dict[str, Any]:
    return {"training": {**CONTRAST, "rule": rule}, "phases": phases}


IN_PLACE = {
    "rate": "rate_derivative",
    "oscillator": "oscillator",
    "crossbar": "rate_derivative",
    "spiking": "two_trace",
}
LEVEL = tuple(on for on in SUBSTRATES if on != "oscillator")
"""Substrates whose gradients on the small problem are of like size; on oscillators, signs have cosines of .5 and .3."""
ONE_WAY = {"rate": "vector_field", "crossbar": "vector_field", "spiking": "two_trace_directed"}
SPIKES = ("spiking",)
RULES = [
    Rule("EP, contrast", "Scellier & Bengio 2017", '`rule = "ep"`', _rule("ep")),
    Rule("EP, in situ", "Scellier & Bengio 2017", '`learning = "in_situ"`', {}, IN_PLACE),
    Rule(
        "vector field, contrast",
        "Scellier et al. 2018",
        '`rule = "vector_field"`',
        overlay(DIRECTED, _rule("vector_field")),
    ),
    Rule(
        "vector field, in situ",
        "Scellier et al. 2018",
        "synapse `vector_field`, `two_trace_directed`",
        DIRECTED,
        ONE_WAY,
    ),
    Rule(
        "corrected vector field",
        "Scurria et al. 2026",
        '`rule = "corrected_vector_field"`',
        overlay(DIRECTED, _rule("corrected_vector_field")),
    ),
    Rule(
        "holomorphic, 4 points",
        "Laborieux & Zenke 2022",
        '`rule = "holomorphic"`',
        _rule("holomorphic"),
        neuron="sigmoid",
    ),
    Rule("coupled learning", "Stern et al. 2021", '`rule = "coupled_learning"`', _rule("coupled_learning")),
    Rule(
        "contrastive Hebbian",
        "Movellan 1991",
        '`rule = "contrastive_hebbian"`',
        _rule("contrastive_hebbian", variant="positive", beta=1.0),
    ),
    Rule(
        "continual EP",
        "Ernoult et al. 2020",
        '`update = "every_step"`',
        {"training": {"update": "every_step"}, "phases": {"variant": "positive"}},
        IN_PLACE,
    ),
    Rule(
        "continual vector field",
        "Ernoult et al. 2020",
        "the same, synapse `vector_field`",
        overlay(DIRECTED, {"training": {"update": "every_step"}, "phases": {"variant": "positive"}}),
        ONE_WAY,
    ),
    Rule(
        "EP, sign of the change",
        "ternary and sign updates",
        '`step = { kind = "sign" }`',
        {"training": {**CONTRAST, "step": {"kind": "sign"}}},
        on=LEVEL,
    ),
    Rule(
        "EP, binary weights",
        "Laydevant et al. 2021",
        '`step = { kind = "binary" }`',
        {"training": {**CONTRAST, "step": {"kind": "binary", "inertia": 0.5, "threshold": 1e-4}}},
        on=LEVEL,
    ),
    Rule(
        "two-trace, ternary",
        "silicon of Taylor et al. 2022",
        "synapse `two_trace_ternary`",
        {},
        {"spiking": "two_trace_ternary"},
        on=SPIKES,
    ),
    Rule(
        "contrast of spike traces",
        "Martin et al. 2021",
        "synapse `trace_contrast`",
        {},
        {"spiking": "trace_contrast"},
        on=SPIKES,
    ),
    Rule(
        "Bernoulli units",
        "stochastic spikes",
        "neuron `bernoulli` (beta 0.5, ten trials)",
        {},
        {"spiking": "trace_contrast"},
        neuron="bernoulli",
        on=SPIKES,
    ),
    Rule("pair STDP", "negative control", "synapse `pair_stdp`", {}, {"spiking": "pair_stdp"}, on=SPIKES),
]


@dataclass(frozen=True)
class Found:
    """What came of a rule on a substrate.

    Parameters
    ----------
    kind
        ``gradient``: the cosine is above .99; ``along``: above .3; ``blind``: there is no component along it;
        ``refused``.
    cosine
        With the gradient; nan for no change at all.
    reason
        Why it was refused.
    """

    kind: str
    cosine: float = float("nan")
    reason: str = ""


@cache
def measure(name: str, on: str) -> Found:
    """Run a rule on a substrate, or hear why not."""
    rule = next(each for each in RULES if each.name == name)
    try:
        change, descent = _change(rule, on)
    except NeuroeqError as error:
        return Found("refused", reason=str(error).removeprefix("'test': "))
    if np.linalg.norm(change) < NOTHING * np.linalg.norm(descent):
        return Found("blind", 0.0)
    along = cosine(change, descent)
    return Found("gradient" if along > 0.99 else "along" if along > 0.3 else "blind", along)


def _change(rule: Rule, on: str) -> tuple[np.ndarray, np.ndarray]:
    """Return what one trial does to the weights, and the way down."""
    net = _network(rule, on)
    params, inputs, targets = _problem(net, on)
    if net.training.step.kind == "binary":
        params = {n: np.sign(v) * np.abs(v).mean() if n in net.projections else v for n, v in params.items()}
    in_time = {"engine": "stepper"} if on == "resistive" and net.training.learning == "in_situ" else {}
    substrate = substrate_of(net, params, **in_time)
    truth = implicit_gradient(_reference(net, params, on), inputs, targets)
    chosen = nudges(net.phases, np.random.default_rng(0))
    stops = STOPS[on] if not in_time else (Stop(200_000, 1e-12),) * 2
    descent, moved = Descent(net), {name: value.copy() for name, value in params.items()}

    def commit(change: Params) -> None:
        nonlocal moved
        moved = substrate.params = descent.step(moved, change, 0)

    at_once = commit if net.training.update == "every_step" else None
    noisy = any(model.random for layer in net.layers if (model := net.neuron(layer)) is not None)
    for seed in range(TRIALS_OF_NOISE if noisy else 1):
        rng = np.random.default_rng(seed)
        trial = Trial(inputs, targets, chosen, cost_of(net.phases), *stops, rng, mode=net.nudge, commit=at_once)
        update = estimate(substrate, trial)
        if not at_once:
            commit(update.change)
    names = [name for name in sorted(truth) if name in net.projections]
    change = flat({name: moved[name] - params[name] for name in names}, names)
    return change, -flat(truth, names)


def _network(rule: Rule, on: str) -> Network:
    phases = {"beta": 0.5 if rule.neuron == "bernoulli" else 0.1 if on == "spiking" else 0.01}
    physics: dict[str, Any] = dict(MODELS.get(on, {}))
    if rule.synapses and on != "resistive":
        physics["synapse"] = rule.synapses.get(on, next(iter(rule.synapses.values())))
    if rule.neuron and on != "resistive":
        physics["neuron"] = rule.neuron
    if on == "spiking":
        physics["neuron_parameters"] = {"tau": "20 ms"}
        if physics.get("synapse", "two_trace").startswith("two_trace"):
            physics["synapse_parameters"] = SLOW | ({"threshold": "0.02 Hz"} if "ternary" in str(rule.synapses) else {})
        elif physics["synapse"] == "trace_contrast":
            physics["synapse_parameters"] = {"tau_trace": "200 ms"}
    no_bias = {"layers": {"hidden1": {"bias": False}, "output": {"bias": False}}} if on == "resistive" else {}
    training = {"learning": "in_situ" if on != "resistive" or rule.synapses else "contrastive"}
    base = overlay({"phases": phases, "substrate": {on: physics}, "training": training}, no_bias)
    over = overlay(base, rule.over)
    names = {"input_hidden1", "hidden1_output", *rule.over.get("projections", {})}
    rate = 1e-4 if over["training"].get("update") else 0.1
    return network(on, *SIZES, **overlay(over, {"projections": {name: {"learning_rate": rate} for name in names}}))


def _problem(net: Network, on: str) -> tuple[Params, np.ndarray, np.ndarray]:
    if on == "resistive":
        params = {name: 0.1 + value for name, value in params_of(net).items()}
        return params, *batch_of(net, 4)
    params, inputs, targets = inner_problem(0)
    if "output_hidden1" in net.projections:
        params = {**params, "output_hidden1": feedback_at(params["hidden1_output"], ANGLE)}
    return params, inputs, targets


def _reference(net: Network, params: Params, on: str) -> Any:
    """Return the network whose gradient counts: itself, or of spikes their rates."""
    if on in ("rate", "oscillator", "resistive"):
        solved = net.model_copy(update={"training": net.training.model_copy(update={"learning": "contrastive"})})
        return substrate_of(solved if on == "resistive" else net, params, plastic=False)
    projections = {
        name: {"directed": each.directed, "source": each.source, "target": each.target, "learning_rate": 0.1}
        for name, each in net.projections.items()
    }
    return substrate_of(network("rate", *SIZES, projections=projections), params, plastic=False)


def table() -> str:
    """Return the table, and the reasons of refusals below it."""
    header = ["rule", "in a network file", *SUBSTRATES]
    rows, reasons = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)], []
    for rule in RULES:
        cells = []
        for on in SUBSTRATES:
            if on not in rule.on:
                cells.append("")
                continue
            found = measure(rule.name, on)
            if found.kind == "refused":
                if found.reason not in reasons:
                    reasons.append(found.reason)
                cells.append(f"refused ({reasons.index(found.reason) + 1})")
            else:
                cells.append(f"{found.kind}, {found.cosine:.2f}")
        rows.append("| " + " | ".join([f"{rule.name} ({rule.paper})", rule.setting, *cells]) + " |")
    notes = [f"{number}. {reason}" for number, reason in enumerate(reasons, 1)]
    return "\n".join([*rows, "", *notes])


def main() -> None:
    """Write the table into its page."""
    before, _, after = PAGE.read_text().split(MARK)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        PAGE.write_text(f"{before}{MARK}\n{table()}\n{MARK}{after}")


if __name__ == "__main__":
    main()
