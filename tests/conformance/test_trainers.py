"""Every trainer ends in the weights of the stepwise one, or says which setting it does not allow."""

import re
from typing import get_args

import numpy as np
import pytest

from neuroeq.describe.spec import Phases, Training, overlay
from neuroeq.describe.spec.base import Spec
from neuroeq.errors import NeuroeqError, SpecError
from neuroeq.learning.monitor import TrainingMonitor
from neuroeq.learning.trainers import choose, explained, start
from neuroeq.learning.trainers.contract import Batches, Setup
from neuroeq.learning.trainers.stepwise import Stepwise
from neuroeq.learning.training import initial_state
from neuroeq.randomness import Streams
from neuroeq.registry import TRAINERS
from tests.nets import batch_of, network, substrate_of

pytestmark = pytest.mark.filterwarnings("ignore::neuroeq.errors.NeuroeqWarning")
EXAMPLES, SIZE = 11, 4
"""Of which the last batch is smaller than the others."""
SHORT = {"beta": 0.05, "free": {"duration": "6 steps"}, "nudged": {"duration": "3 steps"}}
BASE = {
    "compiled": {"on": "rate", "training": {"learning": "contrastive"}},
    "fused": {"on": "resistive"},
    "fused_phases": {"on": "resistive"},
}
"""A network that a fast trainer allows."""
FAST = [pytest.param("compiled", marks=pytest.mark.compiled), "fused", "fused_phases"]
PAIRED = {"bias_voltages": [4.0], "input_gain": 5.0, "diodes": "upper", "outputs": "paired"}
SOME = {
    "input_hidden1": {"connect": {"probability": 0.6, "seed": 1}},
    "hidden1_output": {"connect": {"probability": 0.7, "seed": 2}, "learning_rate": 0.03},
}
AMPLIFIER = {"gain": 2, "back_gain": 0.5, "gain_sd": 0.1, "offset_sd": "5 mV"}
WINDOW = {"g_min": "1 uS", "g_max": "1 mS"}
LINEAR = {"model": "linear_step", "step": 0.01, "gamma_up": 0.4, "gamma_down": 0.7, "sigma_c2c": 0.3, "d2d_step": 0.2}
DEVICES = {"synapse": {**WINDOW, "update": LINEAR, "read_noise": {"model": "relative", "sigma": 0.01}}}
MIXED = {"synapse": {**WINDOW, "update": LINEAR, "programming": {"scheme": "mixed_precision"}}}
NETWORKS = {
    "compiled": [{}, {"on": "spiking", "training": {"learning": "in_situ"}}],
    "fused": [
        {},
        {
            "hardware": "real_diode",
            "substrate": {"resistive": {"circuit": PAIRED}},
            "phases": {"nudge": "held_current"},
        },
        {"hardware": "ideal", "layers": {"output": {"bias": False}}},
        {
            "training": {"momentum": 0.6, "l1": 1e-3},
            "projections": SOME,
        },
        {"made_of": {"neuron": {"amplifier": AMPLIFIER}}},
    ],
    "fused_phases": [
        {"training": {"weight_decay": 0.1}},
        {"made_of": DEVICES, "training": {"momentum": 0.5}},
        {
            "made_of": {**MIXED, "neuron": {"amplifier": AMPLIFIER}},
            "substrate": {"resistive": {"circuit": PAIRED}},
            "phases": {"nudge": "held_current"},
        },
        {"training": {"step": {"kind": "sign", "threshold": 1e-6}, "l1": 1e-3}, "projections": SOME},
        {"made_of": MIXED, "projections": SOME},
    ],
}


@pytest.fixture(params=FAST)
def fast(request):
    """Return the name of a fast trainer that works here."""
    if request.param == "compiled":
        request.getfixturevalue("compiler")
    return request.param


def net(trainer, *tables):
    """Return a network that a trainer allows, with other tables laid over it."""
    table = {"phases": SHORT, "training": {"epochs": 2, "batch_size": SIZE}}
    for over in (BASE[trainer], *tables):
        table = overlay(table, over)
    return network(table.pop("on"), 3, 6, 2, **table)


def learned(description, trainer):
    """Return the parameters, and what came of it, after two epochs of the same random examples."""
    streams, (x, y) = Streams(5), batch_of(description, EXAMPLES)
    state = initial_state(description, streams)
    state.params = {name: value + 0.05 for name, value in state.params.items()}
    substrate = substrate_of(description, state.params, description.training.batch_size)
    learner = start(trainer, Setup(substrate, state, streams, EXAMPLES, TrainingMonitor(substrate)))
    outcomes = [learner.learn(Batches(x, y, np.arange(EXAMPLES), epoch, 0)) for epoch in (0, 1)]
    return {name: value.copy() for name, value in learner.params.items()}, outcomes


def assert_same(description, trainer):
    """Compare with the stepwise trainer: sums in another order differ by the last digits."""
    (one, slow), (two, quick) = (learned(description, name) for name in ("stepwise", trainer))
    assert one.keys() == two.keys()
    for name, value in one.items():
        np.testing.assert_allclose(two[name], value, rtol=0, atol=1e-12)
    for each, other in zip(slow, quick, strict=True):
        np.testing.assert_allclose(other.outputs, each.outputs, rtol=0, atol=1e-12)
    return slow, quick


@pytest.mark.parametrize("index", range(5))
def test_a_fast_trainer_ends_in_the_weights_of_the_stepwise_one(fast, index):
    if index >= len(NETWORKS[fast]):
        pytest.skip("a trainer with fewer networks")
    description = net(fast, NETWORKS[fast][index])
    assert not list(TRAINERS.get(fast).reasons(description))
    slow, quick = assert_same(description, fast)
    assert [each.free.looked_at for each in slow] == [EXAMPLES, EXAMPLES]
    assert [each.free.looked_at for each in quick] == [SIZE, SIZE]


def test_only_the_first_batch_of_an_epoch_is_looked_at(fast):
    """Its residual is what the stepwise trainer finds for the same batch."""
    description = net(fast, *[NETWORKS[fast][1]] * (fast == "fused_phases"))  # with devices that are read with noise
    x, y = batch_of(description, EXAMPLES)
    found = []
    for name in ("stepwise", fast):
        state = initial_state(description, Streams(5))
        substrate = substrate_of(description, state.params, SIZE)
        learner = start(name, Setup(substrate, state, Streams(5), EXAMPLES, TrainingMonitor(substrate)))
        found.append(learner.learn(Batches(x[:SIZE], y[:SIZE], np.arange(SIZE), 0, 0)).free)
        later = learner.learn(Batches(x[SIZE:], y[SIZE:], np.arange(SIZE, EXAMPLES), 0, 1)).free
    assert later.looked_at == 0 and found[0].looked_at == found[1].looked_at == SIZE
    assert found[1].residual == pytest.approx(found[0].residual, rel=1e-9)


POSITIVE = {"phases": {"variant": "positive"}}
CONTRASTIVE, IN_SITU = ({"training": {"learning": how}} for how in ("contrastive", "in_situ"))
SIGN = {"training": {"step": {"kind": "sign", "threshold": 1e-6}}}
BINARY = {"training": {"step": {"kind": "binary", "inertia": 0.5, "threshold": 1e-6}}}
SCHEDULES = [
    {"training": {"schedule": {"kind": "steps", "epochs": [1], "factor": 0.3}}},
    {"training": {"schedule": {"kind": "cosine", "final": 0.2}}},
    {"training": {"schedule": {"kind": "exponential", "factor": 0.5}}},
    {"training": {"schedule": {"kind": "constant", "warmup": [0.3]}}},
]
PRUNE = {"training": {"prune": {"below": 0.5, "temperature": 0.1}}}
RULES = ("vector_field", "corrected_vector_field", "coupled_learning", "holomorphic")
OTHERS = {
    "phases.variant": [{"phases": {"variant": each}} for each in ("positive", "negative", "random_sign")],
    "phases.beta": [{"phases": {"beta": 0.02}}],
    "phases.free.duration": [{"phases": {"free": {"duration": each}}} for each in ("5 ms", "7 steps")],
    "phases.free.tolerance": [{"phases": {"free": {"tolerance": 0.3}}}],
    "phases.nudged.duration": [{"phases": {"nudged": {"duration": each}}} for each in ("10 ms", "4 steps")],
    "phases.nudged.tolerance": [{"phases": {"nudged": {"tolerance": 0.3}}}],
    "phases.cost": [{"phases": {"cost": "cross_entropy"}}],
    "phases.temperature": [{"phases": {"temperature": 0.5}}],
    "phases.nudge": [{"phases": {"nudge": each}} for each in ("clamp", "corrected", "held_current", "state")],
    "phases.points": [{"phases": {"points": 6}}],
    "phases.persistent": [{"phases": {"persistent": True}}],
    "training.learning": [IN_SITU, CONTRASTIVE],
    "training.rule": [overlay(CONTRASTIVE, {"training": {"rule": each}}) for each in RULES],
    "training.update": [overlay(overlay(POSITIVE, IN_SITU), {"training": {"update": "every_step"}})],
    "training.epochs": [{"training": {"epochs": 3}}],
    "training.batch_size": [{"training": {"batch_size": 5}}],
    "training.step.kind": [SIGN, BINARY],
    "training.step.threshold": [SIGN, BINARY],
    "training.step.inertia": [BINARY],
    "training.momentum": [{"training": {"momentum": 0.5}}],
    "training.weight_decay": [{"training": {"weight_decay": 0.1}}],
    "training.schedule.kind": SCHEDULES,
    "training.schedule.epochs": SCHEDULES[:1],
    "training.schedule.factor": SCHEDULES[:1],
    "training.schedule.final": SCHEDULES[1:2],
    "training.schedule.warmup": SCHEDULES[3:],
    "training.l1": [{"training": {"l1": 1e-3}}],
    "training.prune.below": [PRUNE],
    "training.prune.temperature": [PRUNE],
}
"""Other values of every field, with what the schema asks for beside them."""


def leaves(spec, prefix):
    """Yield the path of every field of a table that is not a table itself."""
    for name, field in spec.model_fields.items():
        inner = specs(field.annotation)
        for each in inner:
            yield from leaves(each, f"{prefix}{name}.")
        if not inner:
            yield f"{prefix}{name}"


def specs(annotation):
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return [annotation]
    return [spec for argument in get_args(annotation) for spec in specs(argument)]


def test_no_field_of_the_recipe_is_left_out():
    of_the_loop = {"training.patience"}  # which no trainer knows of
    assert {*leaves(Phases, "phases."), *leaves(Training, "training.")} == {*OTHERS, *of_the_loop}


@pytest.mark.parametrize("trainer", ["fused", "fused_phases"])
@pytest.mark.parametrize("field", OTHERS)
def test_another_value_is_a_reason_against_the_kernels_or_ends_in_the_same_weights(field, trainer):
    for over in OTHERS[field]:
        description = net(trainer, over)
        if not list(TRAINERS.get(trainer).reasons(description)):
            assert_same(description, trainer)


@pytest.mark.compiled
@pytest.mark.usefixtures("compiler")
def test_other_values_are_reasons_against_compiled_code_or_end_in_the_same_weights():
    """Many values at a time, as far as they go together, since each network takes seconds to compile."""
    refused, groups = [], []
    for over in (over for each in OTHERS.values() for over in each):
        if list(TRAINERS.get("compiled").reasons(net("compiled", over))):
            refused.append(over)
        else:
            _put(over, groups)
    assert len(refused) == 3  # two rules and a nudge
    assert 3 <= len(groups) <= 8
    for group in groups:
        assert_same(net("compiled", *group), "compiled")


def _put(over, groups):
    """Put a table into the first group that is a network with it, and in which nothing is overwritten."""
    for group in groups:
        others = {path for each in group for path in paths(each)}
        if others & set(paths(over)):
            continue
        try:
            together = net("compiled", *group, over)
        except NeuroeqError:
            continue
        if not list(TRAINERS.get("compiled").reasons(together)):
            group.append(over)
            return
    groups.append([over])


def paths(table, prefix=""):
    """Yield the path of every value of a table; a schedule and a step are values as a whole."""
    for key, value in table.items():
        if isinstance(value, dict) and key not in ("schedule", "step"):
            yield from paths(value, f"{prefix}{key}.")
        else:
            yield prefix + key


@pytest.mark.parametrize("trainer", ["compiled", "fused", "fused_phases"])
def test_a_setting_that_nobody_thought_of_is_a_reason(trainer):
    class Later(Training):
        novelty: float = 0.0

    description, reasons = net(trainer), TRAINERS.get(trainer).reasons
    table = description.training.model_dump()
    for value, expected in ((0.0, []), (0.5, ["training.novelty is 0.5"])):
        later = description.model_copy(update={"training": Later(**table, novelty=value)})
        assert list(reasons(later)) == expected


@pytest.mark.parametrize("trainer", ["compiled", "fused"])
def test_a_trainer_that_is_asked_for_and_does_not_allow_the_network_says_why(trainer):
    over = {"compiled": {"phases": {"nudge": "corrected"}}, "fused": PRUNE}[trainer]
    said = {"compiled": "phases.nudge is 'corrected'", "fused": "training.prune is set"}[trainer]
    with pytest.raises(SpecError, match=f"{said}, which the {trainer} trainer does not do; use --"):
        choose(net(trainer, over), 10, trainer=trainer)
    with pytest.raises(NeuroeqError, match="no trainer 'warp'"):
        choose(net(trainer), 10, trainer="warp")


def test_the_choice_says_why(monkeypatch):
    monkeypatch.setattr("neuroeq.learning.trainers.saving.built", lambda network: False)
    monkeypatch.setattr("neuroeq.learning.trainers.saving.build_seconds", lambda: 5.0)
    choice = choose(net("compiled", {"substrate": {"rate": {"neuron": "deep"}}}), 10**9, "cython")
    said = tuple(f"neuron 'deep' of layer '{layer}' reads the sum of its weights" for layer in ("hidden1", "output"))
    assert choice.trainer == "compiled_phases"
    assert choice.reasons == {"compiled": said, "fused": ("substrate is 'rate'",)}
    (short,) = choose(net("compiled"), 9000, "cython").reasons["compiled"]
    assert re.fullmatch(r"it takes 5 s to build or load, and saves 0\.\d+ s in a training of 9,000 samples", short)
    assert choose(net("fused"), 10).trainer == "fused"
    assert re.fullmatch(r"compiled \(from [\d,]+ samples\), stepwise below", explained(net("compiled")))
    assert explained(net("fused", SIGN)) == "fused_phases; not fused because: training.step.kind is 'sign'"


def test_a_trainer_of_a_user_is_chosen_where_it_allows_the_network(monkeypatch):
    monkeypatch.setattr(TRAINERS, "_added", {})

    @TRAINERS.register("slow")
    class Slow(Stepwise):
        @staticmethod
        def reasons(network):
            if network.training.momentum:
                yield "training.momentum is set"

    assert choose(net("compiled"), 10).trainer == "slow"
    assert choose(net("compiled", {"training": {"momentum": 0.5}}), 10).trainer == "stepwise"
