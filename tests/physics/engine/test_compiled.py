"""The compiled engine: the weights of the stepper, code that is built once, a sentence for what it does not do."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import neuroeq
from neuroeq.data import load
from neuroeq.errors import DivergenceError, NeuroeqWarning, SpecError
from neuroeq.learning.trainers import choose, prepare
from neuroeq.learning.trainers.saving import LOADING, saved_per_sample
from neuroeq.learning.training import initial_state, train
from neuroeq.physics.engine import use_target
from neuroeq.physics.engine.compiled import compiler, library, library_of
from neuroeq.randomness import Streams
from tests.nets import batch_of, network, params_of, substrate_of

pytestmark = [
    pytest.mark.compiled,
    pytest.mark.usefixtures("compiler"),
    pytest.mark.filterwarnings("ignore::neuroeq.errors.NeuroeqWarning"),
]
MANY = 10**8
NATIVE = Path(__file__).parents[2] / "files" / "native_rate.toml"
SHORT = {"free": {"duration": "12 steps"}, "nudged": {"duration": "5 steps"}}


def net(on="rate", sizes=(4, 21, 3), learning="in_situ", phases=None, training=None, engine="compiled", **over):
    """Return a network that learns irises by batches of 7, of which the last is smaller, for 1 epoch unless said."""
    return network(
        on,
        *sizes,
        data={"name": "iris"},
        phases={"beta": 0.5, **SHORT, **(phases or {})},
        training={"epochs": 1, "batch_size": 7, "learning": learning, **(training or {})},
        run={"engine": engine},
        **over,
    )


def by(description, engine):
    return description.model_copy(update={"run": description.run.model_copy(update={"engine": engine})})


def trained(description, engine):
    """Return the parameters after a training, the steps that it took, and the metrics of each epoch."""
    description, streams, rows = by(description, engine), Streams(5), []
    state, steps = initial_state(description, streams), []
    substrate = substrate_of(description, state.params, description.training.batch_size)
    examples = load(description)
    for step in train(substrate, examples, state, streams):
        steps.append(step)
        rows += [state.tally.row(examples.coding, examples.train.labels)] if step.ends_epoch else []
    return state.params, steps, rows


def start(description):
    return initial_state(description, Streams(5)).params


ALIKE = {
    "rate, contrast": {"learning": "contrastive"},
    "random sign, two epochs": {"phases": {"variant": "random_sign"}, "training": {"epochs": 2}},
    "two hidden layers, schedule": {
        "sizes": (4, 40, 9, 3),
        "learning": "contrastive",
        "phases": {"variant": "negative"},
        "training": {"epochs": 2, "schedule": {"kind": "exponential", "factor": 0.5}},
    },
    "directed, bounds, no bias": {
        "phases": {"variant": "positive"},
        "projections": {
            "hidden1_output": {"directed": True, "bounds": [-0.4, 0.4], "learning_rate": 1.0},
            "feedback": {"source": "output", "target": "hidden1", "directed": True, "learning_rate": 0.05},
            "skip": {"source": "input", "target": "output", "learning_rate": 0.0},
        },
        "layers": {"hidden1": {"bias": False}, "output": {"bias_learning_rate": 0.3}},
        "substrate": {"rate": {"neuron": "sigmoid", "synapse": "vector_field"}},
    },
    "sigma-delta, one batch": {
        "on": "spiking",
        "sizes": (4, 40, 3),
        "training": {"epochs": 2, "batch_size": 150},
        "projections": {"input_hidden1": {"learning_rate": 10.0}, "hidden1_output": {"learning_rate": 10.0}},
    },
    "lif, refractory, ternary": {
        "on": "spiking",
        "layers": {"output": {"neuron": "lif"}},
        "substrate": {"spiking": {"neuron": "lif_hard", "synapse": "two_trace_ternary"}},
    },
    "annealed, trace contrast": {
        "on": "spiking",
        "sizes": (4, 9, 40, 3),
        "substrate": {"spiking": {"neuron": "sigma_delta_predictive", "synapse": "trace_contrast"}},
    },
    "momentum, l1": {"learning": "contrastive", "training": {"momentum": 0.5, "l1": 1e-3, "epochs": 2}},
    "weight decay": {"training": {"weight_decay": 0.1, "epochs": 2}},
    "momentum in bounds": {
        "training": {"momentum": 0.5, "epochs": 2},
        "projections": {"input_hidden1": {"bounds": [-0.3, 0.3]}},
    },
    "particles": {"learning": "contrastive", "training": {"epochs": 3}, "phases": {"persistent": True}},
    "particles that spike": {"on": "spiking", "training": {"epochs": 3}, "phases": {"persistent": True}},
    "particles with noise": {
        "on": "spiking",
        "training": {"epochs": 3},
        "phases": {"persistent": True},
        "substrate": {"spiking": {"neuron": "bernoulli"}},
    },
    "left out connections": {
        "projections": {
            "input_hidden1": {"connect": {"probability": 0.5}, "bounds": [0.05, 0.4]},
            "hidden1_output": {"connect": {"probability": 0.05}},
        },
    },
    "pruned": {
        "learning": "contrastive",
        "training": {"prune": {"below": 0.05, "temperature": 5}},
        "projections": {"lateral": {"source": "hidden1", "target": "hidden1", "learning_rate": 0.05}},
    },
    "few are pruned, of noisy spikes": {
        "on": "spiking",
        "training": {"prune": {"below": 0.01, "temperature": 0.01}, "epochs": 2},
        "substrate": {"spiking": {"neuron": "bernoulli"}},
    },
    "pruned ideal crossbar": {
        "on": "crossbar",
        "learning": "contrastive",
        "training": {"prune": {"below": 0.05, "temperature": 0.05}},
    },
    "lateral": {
        "learning": "contrastive",
        "projections": {
            "lateral": {"source": "hidden1", "target": "hidden1", "learning_rate": 0.05, "initial": {"gain": 0.1}}
        },
    },
    "every step": {"phases": {"variant": "positive"}, "training": {"update": "every_step"}},
    "contrastive Hebbian": {
        "learning": "contrastive",
        "phases": {"variant": "positive", "beta": 1},
        "training": {"rule": "contrastive_hebbian"},
    },
    "encoder": {"on": "spiking", "substrate": {"spiking": {"input": "encoder_sigma_delta"}}},
    "delay": {
        "on": "spiking",
        "training": {"epochs": 2},
        "phases": {"free": {"duration": "40 ms"}, "nudged": {"duration": "25 ms"}},
        "projections": {"hidden1_output": {"delay": "2 ms"}},
    },
    "noise": {"on": "spiking", "substrate": {"spiking": {"neuron": "bernoulli", "input": "encoder_bernoulli"}}},
    "vector field, directed": {
        "learning": "contrastive",
        "sizes": (4, 40, 9, 3),
        "phases": {"variant": "positive"},
        "training": {"rule": "vector_field"},
        "projections": {
            "hidden1_hidden2": {"directed": True},
            "feedback": {"source": "output", "target": "hidden1", "directed": True, "learning_rate": 0.1},
        },
        "substrate": {"rate": {"neuron": "sigmoid"}},
    },
    "ideal crossbar": {
        "on": "crossbar",
        "learning": "contrastive",
        "training": {"epochs": 2, "momentum": 0.3, "weight_decay": 0.1, "l1": 1e-4},
    },
    "ideal crossbar in situ": {"on": "crossbar", "projections": {"input_hidden1": {"learning_rate": 1.0}}},
}
PHASES = {
    "devices": {"on": "crossbar", "learning": "contrastive", "hardware": "pcm"},
    "devices in situ": {"on": "crossbar", "hardware": "pcm"},
    "coupled on a crossbar of 0.3 V": {
        "on": "crossbar",
        "learning": "contrastive",
        "training": {"rule": "coupled_learning"},
        "made_of": {"neuron": {"integrator": {"v_scale": "0.3 V"}}},
    },
    "vector field on a crossbar": {
        "on": "crossbar",
        "learning": "contrastive",
        "training": {"rule": "vector_field"},
    },
    "sums of weights": {"substrate": {"rate": {"neuron": "deep"}}},
    "oscillators of few bits": {
        "on": "oscillator",
        "learning": "contrastive",
        "substrate": {"oscillator": {"neuron": "kuramoto", "synapse": "oscillator"}},
        "made_of": {"oscillators": {"coupling_bits": 4, "phase_bits": 6, "omega_sd": 0.05}},
    },
}
"""Those whose rules, devices or roundings stay in Python."""
SMOKE = ("rate, contrast", "sigma-delta, one batch")
"""Whose libraries are built on every version of Python, some seconds each."""


@pytest.mark.parametrize(
    "over",
    [pytest.param(ALIKE[name], id=name, marks=[pytest.mark.smoke] if name in SMOKE else []) for name in ALIKE]
    + [pytest.param(PHASES[name], id=name) for name in PHASES],
)
def test_a_compiled_training_ends_in_the_weights_of_the_stepper(over, monkeypatch):
    monkeypatch.setattr("neuroeq.learning.trainers.contract.CHUNK", 7)
    description = net(**over)
    assert choose(by(description, "compiled"), 0).trainer == (
        "compiled_phases" if over in PHASES.values() else "compiled"
    )
    (one, slow, rows), (two, fast, others) = trained(description, "stepper"), trained(description, "compiled")
    for name, before in start(description).items():
        learns = name != "skip"
        assert (np.abs(one[name] - before).max() > 1e-5) == learns
        np.testing.assert_allclose(two[name], one[name], rtol=0, atol=1e-12)
    assert sum(step.examples for step in slow) == sum(step.examples for step in fast)
    for row, other in zip(rows, others, strict=True):
        assert other.get("edges") == row.get("edges")
        assert other["train_loss"] == pytest.approx(row["train_loss"], abs=1e-12)
        assert other["train_error"] == row["train_error"]
    if description.training.batch_size == 150:  # the other metrics are those of the first batch, and there is no other
        assert rows[0]["spikes"] > 10
        assert others == [pytest.approx(row, abs=1e-12) for row in rows]


def test_simulations_that_share_a_library_do_not_meet():
    """Two in turn, of other inputs and weights; phases that go on where one ended end where the stepper's do."""
    description = net(learning="contrastive")
    given = [(params_of(description, seed), batch_of(description, 7, seed)[0]) for seed in (1, 2)]

    def phases(compiled):
        substrates = [substrate_of(description, params, 7, target="numpy") for params, _ in given]
        for substrate in substrates if compiled else []:
            substrate.simulation.compile()
        free = [substrate.relax(x) for substrate, (_, x) in zip(substrates, given, strict=True)]
        on = [s.relax(x, start=eq.resume) for s, (_, x), eq in zip(substrates, given, free, strict=True)]
        return np.array([eq.outputs for eq in (*free, *on)])

    ends = phases(compiled=False)
    assert np.abs(ends[0] - ends[1]).max() > 0.01 and np.abs(ends[0] - ends[2]).max() > 0.01
    np.testing.assert_allclose(phases(compiled=True), ends, rtol=0, atol=1e-12)


@pytest.mark.parametrize("on", ["rate", "spiking"])
def test_threads_change_no_bit(on, monkeypatch):
    """With all loops shared, in a network with products both ways, and units and synapses that change at every step."""
    monkeypatch.setattr("neuroeq.physics.engine.compiled.calls.SHARED_FROM", 0)
    description = net(on=on, sizes=(4, 270, 130, 3), training={"batch_size": 23})
    ends = []
    for threads in (1, 2, 3):
        run = description.run.model_copy(update={"threads": threads})
        ends.append(trained(description.model_copy(update={"run": run}), "compiled")[0])
    for name, value in ends[0].items():
        assert name != "output.bias" or not np.array_equal(value, start(description)[name])
        for other in ends[1:]:
            np.testing.assert_array_equal(other[name], value)


def test_threads_are_refused_where_there_is_one():
    description = net(learning="contrastive", engine="stepper")
    run = description.run.model_copy(update={"threads": 2})
    with pytest.raises(SpecError, match=r"run.threads is 2, but it learns with the trainer 'stepwise', which has one"):
        prepare(description.model_copy(update={"run": run}), 150, "cython")


@pytest.mark.parametrize("trainer", ["compiled", "compiled_phases"])
def test_a_substrate_of_other_batches_is_refused(trainer):
    description = net(learning="contrastive")
    substrate, streams = substrate_of(description, None, 5, target="numpy"), Streams(5)
    with pytest.raises(SpecError, match=r"batches of training.batch_size, 7, and the substrate was built for 5; build"):
        next(train(substrate, load(description), initial_state(description, streams), streams, trainer))


def test_single_precision_is_close():
    """To 1e-5: sums of single numbers in another order, over an epoch."""
    description = net(substrate={"rate": {"precision": "float32"}}, learning="contrastive")
    (one, _, _), (two, _, _) = trained(description, "stepper"), trained(description, "compiled")
    for name in one:
        assert two[name].dtype == np.float32
        np.testing.assert_allclose(two[name], one[name], rtol=0, atol=1e-5)


def test_a_training_that_was_cut_ends_in_the_same_bits(monkeypatch):
    """Cut between two chunks; the state that a checkpoint holds is all that is needed."""
    monkeypatch.setattr("neuroeq.learning.trainers.contract.CHUNK", 3)
    description = net(learning="contrastive")
    whole, _, _ = trained(description, "compiled")
    streams, examples = Streams(5), load(description)
    state, cuts = initial_state(description, streams), 0
    while state.epoch < 1:
        state.params = {name: value.copy() for name, value in state.params.items()}
        substrate = substrate_of(description, state.params, 7)
        for step in train(substrate, examples, state, streams):
            cuts += 1
            if not step.ends_epoch:
                break
    assert cuts == -(-len(examples.train) // 7 // 3)
    for name in whole:
        np.testing.assert_array_equal(state.params[name], whole[name])


def test_a_library_is_built_once(tmp_path, monkeypatch):
    """Two processes build it at once without meeting; whatever the learning rates, none does after that."""
    code = (
        "from tests.physics.engine.test_compiled import net; from neuroeq.physics.engine.compiled import library_of;"
        "library_of(net(learning='contrastive'))"
    )
    here = {"XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    both = [subprocess.Popen([sys.executable, "-c", code], env=os.environ | here) for _ in range(2)]
    assert [each.wait() for each in both] == [0, 0]
    assert sorted(path.suffix for path in (tmp_path / "neuroeq").iterdir()) == ["", ".so"]  # and the time that it took

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(library, "_build", lambda *_: pytest.fail("compiled again"))
    faster = {"input_hidden1": {"learning_rate": 0.7}}
    library_of(net(learning="contrastive", projections=faster, phases={"beta": 0.1}, training={"epochs": 9}))
    decaying = {"training": {"weight_decay": 0.1}}
    for other in (
        {"sizes": (4, 22, 3)},
        {"training": {"batch_size": 8}},
        {"phases": {"variant": "positive"}},
        decaying,
    ):
        with pytest.raises(pytest.fail.Exception, match="compiled again"):
            library_of(net(learning="contrastive", **other))


def test_building_is_not_training(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    result = neuroeq.train(net("spiking"), "spiking", engine="compiled", out=tmp_path / "run").result
    assert (result["trainer"], result["engine"]) == ("compiled", "stepper")
    assert result["compile_s"] > 1 > result["cpu_s"]


DAMAGE = {
    "empty": lambda raw, other: b"",
    "text": lambda raw, other: b"cut short",
    "cut in half": lambda raw, other: raw[: len(raw) // 2],
    "without its end": lambda raw, other: raw[:-500],
    "garbled": lambda raw, other: raw[: len(raw) // 4] + bytes(2000) + raw[len(raw) // 4 + 2000 :],
    "another one": lambda raw, other: other,
}


@pytest.fixture(scope="module")
def cached(tmp_path_factory):
    """A cache with two libraries, and the bytes of the other one."""
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        for on in ("rate", "spiking"):
            library_of(net(on))
        paths = [cache / "neuroeq" / f"{library._content(net(on))}.so" for on in ("rate", "spiking")]
    return cache, paths[0], paths[1].read_bytes()


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_library_is_not_loaded_but_built_again(cached, monkeypatch, damage):
    cache, path, other = cached
    whole = path.read_bytes()
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.setattr(library, "_build", lambda network, path: path.write_bytes(whole))
    loaded = []
    monkeypatch.setattr(library, "Library", lambda path: loaded.append(path.read_bytes()))
    path.unlink()  # not written over, since this process may have loaded it
    path.write_bytes(DAMAGE[damage](whole, other))
    library_of(net("rate"))
    assert loaded == [whole]


def test_a_library_without_the_function_is_built_again(cached, monkeypatch):
    cache, path, _ = cached
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    whole, answers = path.read_bytes(), [AttributeError("undefined symbol: learn"), None]

    def load(path):
        if (answer := answers.pop(0)) is not None:
            raise answer

    monkeypatch.setattr(library, "Library", load)
    monkeypatch.setattr(library, "_build", lambda network, path: path.write_bytes(whole))
    library_of(net("rate"))
    assert answers == []


def test_what_a_killed_build_left_is_removed_and_a_running_one_is_left_alone(tmp_path):
    (tmp_path / "build-dead").mkdir()
    (tmp_path / "build-dead" / "training.o").write_text("half")
    mine, held = library._own_folder(tmp_path)
    theirs, also = library._own_folder(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {mine.name, theirs.name}
    os.close(held)
    os.close(also)


def test_a_compiler_that_cxx_names_is_the_one_that_is_used(monkeypatch):
    monkeypatch.setenv("CXX", "g++ -O1")
    assert compiler.compiler() == ("g++", "-O1")
    monkeypatch.setenv("CXX", "/no/such -O1")
    with pytest.raises(SpecError, match=r"there is no '/no/such', which CXX names; expected a C\+\+ compiler"):
        library_of(net("rate"))


REFUSED = {
    "rule is 'holomorphic'": {
        "learning": "contrastive",
        "training": {"rule": "holomorphic"},
        "substrate": {"rate": {"neuron": "sigmoid"}},
    },
    "rule is 'corrected_vector_field'": {"learning": "contrastive", "training": {"rule": "corrected_vector_field"}},
    "hidden1_output runs as Brian2 Synapses": {
        "projections": {"hidden1_output": {"synapse": str(NATIVE), "learning_rate": 0.0}}
    },
}


@pytest.mark.parametrize("over", REFUSED.values(), ids=REFUSED)
def test_what_it_does_not_do_is_a_sentence(over, request):
    with pytest.raises(SpecError, match=rf"{request.node.callspec.id}.*, which the compiled .* --engine stepper\.$"):
        prepare(net(**over), 150, "cython")


@pytest.fixture
def leaky(tmp_path):
    path = tmp_path / "leaky.toml"
    path.write_text(
        'extends = "rate_derivative"\ntitle = "t"\nsource = "s"\nequations = "ddw/dt = gain*hebb - dw/second : 1"\n'
    )
    return {"rate": {"synapse": str(path)}}


def test_synapses_that_do_more_than_integrate_are_a_sentence(leaky):
    with pytest.raises(SpecError, match=r"synapse 'leaky' does more than integrate hebb.* --engine stepper\.$"):
        prepare(net(substrate=leaky), 150, "cython")


def test_a_trainer_that_is_left_open_is_compiled_where_that_pays_and_can_be(leaky):
    left_open = net(engine=None, learning="contrastive")
    assert choose(left_open, MANY, "cython").trainer == "compiled"
    assert choose(left_open, MANY, "numpy").trainer == "stepwise"
    assert choose(net(engine="stepper"), MANY, "cython").trainer == "stepwise"
    assert choose(net("crossbar", engine=None), MANY, "cython").trainer == "compiled"
    assert choose(net("crossbar", engine=None, hardware="pcm"), MANY, "cython").trainer == "compiled_phases"
    assert choose(net(engine=None, substrate=leaky), MANY, "cython").trainer == "stepwise"


def test_compiling_pays_where_it_saves_more_than_the_last_build_took(tmp_path, monkeypatch):
    """Not at all where the library is there already."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    network, saved = net(engine=None), saved_per_sample(net(engine=None))
    kept = tmp_path / "neuroeq" / "build_seconds"
    kept.parent.mkdir()
    for seconds in (3.0, 30.0):
        kept.write_text(str(seconds))
        few, many = round(0.99 * seconds / saved), round(1.01 * seconds / saved)
        assert [choose(network, n, "cython").trainer for n in (few, many)] == ["stepwise", "compiled"]
    library_of(network)
    assert 0.5 < float(kept.read_text()) < 300
    assert choose(network, round(1.01 * LOADING / saved), "cython").trainer == "compiled"


def test_trainings_that_share_what_is_compiled_are_compiled_sooner(monkeypatch):
    """Three trainings, each of which is 40 % of what pays."""
    monkeypatch.setattr("neuroeq.learning.trainers.compiled.compile_network", lambda *_: None)
    monkeypatch.setattr("neuroeq.learning.trainers.saving.cost_of", lambda _: 5.0)
    network = net(engine=None)
    samples = round(0.4 * 5 / saved_per_sample(network))
    names = [prepare(network, samples, "cython", alike=alike) for alike in (1, 2, 3)]
    assert names == ["stepwise", "stepwise", "compiled"]


def test_a_trainer_that_was_not_asked_for_and_cannot_be_built_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.warns(NeuroeqWarning, match=r"compiled trainer is not used, since .* there is no C\+\+ compiler"):
        assert prepare(net(engine=None), MANY, "cython") == "stepwise"


@pytest.mark.parametrize(("first", "then"), [("cython", "numpy"), ("numpy", "cython")])
def test_a_resumed_run_keeps_the_trainer_that_it_began_with(first, then, tmp_path, monkeypatch):
    """The target says whether there may be a compiler; what evaluates beside the training runs in NumPy here."""
    monkeypatch.setattr("neuroeq.learning.trainers.saving.drawback", lambda network, samples: None)
    monkeypatch.setattr("neuroeq.physics.engine.simulation.use_target", lambda wish: use_target("numpy"))
    description = net(engine=None, training={"epochs": 3})

    def cut(step, row):
        if row is not None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        neuroeq.train(description, "rate", target=first, out=tmp_path, progress=cut)
    resumed = neuroeq.train(description, "rate", target=then, out=tmp_path, resume=True).result
    assert resumed["trainer"] == ("compiled" if first == "cython" else "stepwise")
    assert resumed["engine"] == "stepper"


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "neuroeq").write_text("a file where the folder should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(SpecError, match=r"cannot keep what is compiled .*XDG_CACHE_HOME, or use --engine stepper\.$"):
        prepare(net(), 150, "cython")


def test_circuits_are_told_their_own_engine():
    said = r"substrate is 'resistive', which the compiled trainer .* use --engine operating_point\.$"
    with pytest.raises(SpecError, match=said):
        prepare(net("resistive", learning="contrastive"), 150, "cython")


def test_without_a_compiler_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(SpecError, match=r"no C\+\+ compiler here; install one .* or use --engine stepper\.$"):
        prepare(net(), 150, "cython")


def test_a_compiler_that_fails_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho 'x.h: error: no such file' >&2; exit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("CXX", str(broken))
    with pytest.raises(SpecError, match=r"broken fails here \(x\.h: error: no such file\).*--engine stepper\.$"):
        prepare(net(), 150, "cython")


def test_weights_without_bound_are_a_divergence():
    wild = {"input_hidden1": {"learning_rate": 1e39}}
    description = net(learning="contrastive", projections=wild, substrate={"rate": {"precision": "float32"}})
    with pytest.raises(DivergenceError, match="outputs or weights grew without bound in epoch 1"):
        trained(description, "compiled")
