"""How changes of the weights are brought into devices: programming schemes.

A scheme is one class: its fields are the keys of the table ``[synapse.programming]``, and its method `update` is what
happens at an update. Schemes are found by name in the registry `PROGRAMMING`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Protocol

import numpy as np
from pydantic import BeforeValidator, SerializeAsAny

from neuroeq.errors import SpecError
from neuroeq.registry import PROGRAMMING

from .base import Spec
from .by_name import table_of
from .device import UpdateLaw

Array = np.ndarray


class Programmable(Protocol):
    """The devices of one array of weights, as a scheme sees them.

    Attributes
    ----------
    pulsed
        Whether they are moved by pulses, and not programmed to a conductance.
    granularity
        The change of a weight that one pulse is worth on average; without pulses, the difference that programming can
        resolve, which is 0 where devices hold exactly what is asked for.
    bounds
        The smallest and the largest weight that the devices can hold.
    most
        The largest number of granules at one update.
    """

    pulsed: bool
    granularity: float
    bounds: tuple[float, float]
    most: float

    @property
    def weights(self) -> Array:
        """The weights that the devices hold now: (n_pre, n_post)."""
        ...

    def pulse(self, change: Array, rng: np.random.Generator) -> None:
        """Send as many pulses as a change of weights asks for on average; fractions of a pulse are left to chance."""
        ...

    def step(self, number: Array, rng: np.random.Generator) -> None:
        """Move each weight by a number of granules, up or down: a whole number, where they are moved by pulses."""
        ...

    def read(self, rng: np.random.Generator | None = None, rows: Array | None = None) -> Array:
        """Return the weights as they are read, with the noise of one reading if `rng` is given, and count the reads.

        With `rows`, only the weights out of these presynaptic units are read, and returned in their order.
        """
        ...

    def memory(self, name: str, start: Array | float = 0.0) -> Array:
        """Return what a scheme keeps in digital memory under a name; `start` if it has kept nothing yet."""
        ...

    def keep(self, name: str, value: Array | float) -> None:
        """Keep something in digital memory for the next update."""
        ...

    def beside(self, name: str) -> Programmable:
        """Return a second array of such devices, each with a spread of its own."""
        ...


class Programming(Spec):
    """How changes are brought into devices: the base class of all schemes.

    A scheme also has a field `scheme`, with its name in the registry `PROGRAMMING`.
    """

    if TYPE_CHECKING:
        scheme: str

    def refusal(self, law: UpdateLaw, unidirectional: bool) -> str | None:
        """Return why devices of some update law cannot be programmed this way; None if they can."""
        return None

    def update(self, devices: Programmable, change: Array, rng: np.random.Generator) -> None:
        """Bring a change of the weights into devices.

        Parameters
        ----------
        devices
            The devices of one array.
        change
            The change that the optimiser asks for: (n_pre, n_post), or (n,) for biases.
        rng
            Random numbers of this update.

        Raises
        ------
        SpecError
            If the scheme does not define its own.
        """
        raise SpecError(f"programming scheme '{self.scheme}' has no method update(); define what happens at an update.")


class Pulses(Programming):
    """Open loop: as many pulses as the change asks for, fractions of one left to chance, and nothing is read back.

    Devices that are programmed to a conductance are programmed to the new one, wherever a weight changes.

    Parameters
    ----------
    scheme
        The name of this scheme, ``"pulses"``.
    """

    scheme: Literal["pulses"] = "pulses"

    def update(self, devices: Programmable, change: Array, rng: np.random.Generator) -> None:
        """Send the pulses; the arguments are those of `Programming.update`."""
        devices.pulse(change, rng)


Scheme = Annotated[SerializeAsAny[Programming], BeforeValidator(table_of(PROGRAMMING, Programming, key="scheme"))]
"""How changes are brought into devices: the table of any scheme in the registry `PROGRAMMING`."""
