"""A resistor network and its drive as a SPICE netlist, in volts, siemens and amperes."""

from __future__ import annotations

from collections.abc import Sequence

from neuroeq.contract import Params
from neuroeq.describe.spec import Network

from ..circuits.circuit import Drive
from ..circuits.layout import in_siemens, lay_out
from ..circuits.spice.netlist import netlist


def resistor_netlist(network: Network, params: Params, drive: Drive, *, title: str, header: Sequence[str]) -> str:
    """Return the netlist of the first sample.

    Parameters
    ----------
    network
        The network, resolved for a resistor network.
    params
        The conductances and bias currents of the network, in its own units.
    drive
        The sources, currents, pulls and held nodes of a batch, in the network's own units.
    title, header
        The first lines of the netlist.
    """
    volt = network.v_unit
    ampere = volt * network.g_unit
    real = Drive(
        sources={name: values * volt for name, values in drive.sources.items()},
        currents={name: values * ampere for name, values in drive.currents.items()},
        pulls={name: (pull * network.g_unit, values * volt) for name, (pull, values) in drive.pulls.items()},
        held={name: values * volt for name, values in drive.held.items()},
    )
    return netlist(
        lay_out(network, in_volts=True),
        in_siemens(network, params),
        real,
        title=title,
        header=list(header),
        capacitance=network.technology.neuron.c_node,
    )
