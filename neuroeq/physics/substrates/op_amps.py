"""Op-amp integrators in place of rate models, with the same equation in volts, siemens and farads.

C_f dV/dt = -V/R_f + (drive + bias) V_s + nudge V_s/R_f,   V = V_s s
"""

from __future__ import annotations

from neuroeq.describe.spec import Bounds, Hardware, Network, NeuronModel
from neuroeq.errors import SpecError
from neuroeq.units import physical

from ..engine.equations.integrator import integrator

OP_AMP = "_op_amp"
"""What ends the name of an integrator in place of a rate model."""
VECTOR_FIELD = "The vector-field form, tau ds/dt = drive + bias - s + nudge with the same activity, has one."


def on_crossbar(network: Network) -> Network:
    """Return the network with op-amp integrators in place of its rate models, and phases as numbers of their steps."""
    if network.physics.input != "analog":
        raise SpecError(f"{network.where}: substrate.crossbar.input is a neuron; inputs are voltages, so 'analog'.")
    for name, projection in network.projections.items():
        if projection.delay is not None or network.synapse(name).native:
            raise SpecError(f"{network.where}: projections.{name} runs as native synapses; a crossbar has no delays.")
    model = network.physics.neuron
    assert isinstance(model, NeuronModel)
    dt = network.physics.dt or model.dt
    neuron = op_amp(model, network.technology, dt)
    layers = {
        name: layer.model_copy(update={"neuron": op_amp(layer.neuron, network.technology, dt)})
        if isinstance(layer.neuron, NeuronModel)
        else layer
        for name, layer in network.layers.items()
    }
    phases = network.phases.model_copy(
        update={
            phase: getattr(network.phases, phase).model_copy(
                update={"duration": f"{getattr(network.phases, phase).n_steps(dt)} steps"}
            )
            for phase in ("free", "nudged")
        }
    )
    physics = network.physics.model_copy(update={"neuron": neuron, "dt": neuron.dt})
    update = {"substrate": {"crossbar": physics}, "layers": layers, "phases": phases}
    return network.model_copy(update=update)


def op_amp(model: NeuronModel, hardware: Hardware, dt: float) -> NeuronModel:
    """Return the integrator with the equation of a rate model, in volts; `dt` [s] is on the time scale of the model."""
    tau, others = integrator(model, VECTOR_FIELD)
    op_amps = hardware.neuron.integrator

    def volts(value: str | float | None) -> str | None:
        return None if value is None else f"{float(value) * op_amps.v_scale!r} V"

    slow = physical(str(model.parameters[tau])).value
    rc = hardware.r_f * op_amps.c_f
    off = "" if op_amps.gain is None else f"*{1 + 1 / op_amps.gain!r}"
    equations = "\n".join(
        [
            f"dv/dt = (-v{off}/R_f + (drive + bias)*V_s*siemens + nudge*V_s/R_f)/(C_f{off}) : volt",
            f"{model.state} = v/V_s : 1",
            *others,
        ]
    )
    scale = {
        "R_f": f"{hardware.r_f!r} ohm",
        "C_f": f"{op_amps.c_f!r} F",
        "V_s": f"{op_amps.v_scale!r} V",
        "RC": f"{rc!r} s",
    }
    interval, start = model.bounds.get(model.state), model.initial.get(model.state)
    return NeuronModel(
        name=f"{model.name}{OP_AMP}",
        title=f"{model.title}, as an op-amp integrator",
        emits="rate",
        equations=equations,
        state="v",
        activity=model.activity,
        readout=model.readout,
        time_constant="RC",
        bounds={"v": Bounds(min=volts(interval.min), max=volts(interval.max))} if interval else {},
        method=model.method,
        dt=f"{dt / slow * rc!r} s",  # type: ignore[arg-type]
        parameters={**{name: value for name, value in model.parameters.items() if name != tau}, **scale},
        initial={} if start is None else {"v": str(volts(start))},
    )
