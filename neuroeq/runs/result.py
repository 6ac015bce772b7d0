"""The results of a run: the test error, traces and energies, and result.json."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from neuroeq.errors import SpecError
from neuroeq.learning.learned import chance_error, has_learned
from neuroeq.learning.trainers import title
from neuroeq.measures.account import Account
from neuroeq.measures.evaluation import Score
from neuroeq.measures.parts import total
from neuroeq.measures.probes import account_of, probes
from neuroeq.measures.programming import programming
from neuroeq.physics.substrates import engine_of

from .costs import UNITS
from .records import MemoryRecords, versions
from .run import Run
from .session import Row, Session, cpu_seconds

PARTS = ("train", "validation", "test")


def concluded(session: Session) -> Run:
    """Test the trained network, write traces and result.json, and return the finished run.

    Parameters
    ----------
    session
        A run whose training has ended.

    Raises
    ------
    SpecError
        If the file with the metrics is missing.
    """
    before = cpu_seconds()
    tested = session.score(session.examples.test, "test") if session.examples.test else None
    session.eval_s += cpu_seconds() - before
    network, state, folder = session.network, session.state, session.folder
    n_batches = network.training.n_batches(len(session.examples.train))
    took = programming(network, state, session.streams, n_batches)
    account = account_of(session.substrate, state, session.examples, session.streams, took)
    recorded = {} if account is None else {"v": account.voltages, "driving": account.driving}
    folder.write_traces(state, probes(network, state, session.examples, session.streams), recorded)
    rows = folder.metrics()
    if not rows:
        raise SpecError(f"{folder.path}: its metrics.csv is missing; put it back, or train the network anew.")
    last = rows[-1]
    chance = chance_error(np.asarray(session.examples.train.labels))
    measure = session.examples.coding.measure
    result = _made_of(session) | errors_of(last, tested) | session.examples.coding.record() | _times(session)
    result |= {"learned": has_learned([row[f"train_{measure}"] for row in rows], chance)}
    result |= {"chance_error": None, f"chance_{measure}": chance}
    result |= {
        "residual": last["residual"],
        "gradient_cosine": None,
        "spikes_per_inference": _spikes(last, tested) if session.substrate.spiking else None,
    }
    result |= _costs(account)
    circuit = session.substrate.as_circuit()
    result["mapping"] = None if circuit is None else circuit.mapping()
    result["programming"] = took and asdict(took)
    result["wire_error"] = state.wire_error
    result["adc_full_scales_V"] = state.full_scales or None
    result |= _made_by(session)
    folder.write_result(result)
    return Run(folder.path, network, result, folder if isinstance(folder, MemoryRecords) else None)


def _made_of(session: Session) -> dict[str, Any]:
    """Return the entries of result.json that say what was trained."""
    network = session.network
    return {
        "network": network.name,
        "substrate": network.substrate_name,
        "hardware": network.hardware and network.hardware.name,
        "arrays": network.own_arrays,
        "seed": network.run.seed,
        "precision": network.physics.precision,
        "epochs": session.epochs,
        "stopped_at": session.state.stopped_at,
        "updates": session.epochs * network.training.n_batches(len(session.examples.train)),
    }


def errors_of(last: Row, tested: Score | None) -> dict[str, Any]:
    """Return the entries of result.json that say how good outputs are.

    Parameters
    ----------
    last
        The metrics of the last epoch.
    tested
        The score of the test part; None if the protocol leaves it alone.
    """
    known = {**last, **({} if tested is None else tested.named("test"))}
    names = [name for name in ("rmse", "r2") if f"train_{name}" in last]
    errors = {f"{part}_{name}": known.get(f"{part}_{name}") for name in ("error", *names) for part in PARTS}
    return {**errors, "loss": last["train_loss"]}


def _times(session: Session) -> dict[str, Any]:
    """Return the times that training, compiling and evaluation took [s]."""
    return {
        "wall_s": session.state.wall_s,
        "cpu_s": session.state.cpu_s,
        "compile_s": session.compile_s,
        "eval_s": session.eval_s,
        "samples_per_s": session.samples / session.state.wall_s,
    }


def _spikes(last: Row, tested: Score | None) -> float | None:
    return tested.spikes if tested else last["spikes"]


def _costs(account: Account | None) -> dict[str, Any]:
    """Return energies [J], latencies [s] and the area [m^2] of a circuit, in total and by part; None on others."""
    costs: dict[str, Any] = {}
    for what, unit in UNITS.items():
        parts = account and getattr(account, what)
        costs[f"{what}_per_inference_{unit}"] = parts and total(parts.inference)
        costs[f"{what}_per_update_{unit}"] = parts and total(parts.update)
        costs[what] = parts and asdict(parts)
    return costs | {"area_m2": account and account.area}


def _made_by(session: Session) -> dict[str, Any]:
    """Return the trainer, the engine and target of evaluation, and the versions of all packages."""
    engine = engine_of(session.network)
    return {
        "trainer": title(session.state.trainer or "", session.samples),
        "engine": "stepper" if engine == "compiled" else engine,
        "target": None if engine == "operating_point" else session.target,
        "versions": versions(),
    }
