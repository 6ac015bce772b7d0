"""The options of a run, which its description keeps."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Spec

Engine = Literal["stepper", "compiled", "reference", "operating_point"]


class RunOptions(Spec):
    """The options that a run was started with; a resolved network carries them in run.toml.

    Parameters
    ----------
    seed
        Seed of the start weights, of the order of the examples, of start values and of noise.
    engine
        What runs the simulation. ``stepper``: Brian2's equations in our own loop; ``reference``: Brian2's
        ``Network.run``; ``compiled``: the training, or its phases, in C++; ``operating_point``: the solver of circuits,
        which resistor networks use if this is left out. Others use compiled code where it saves time, or the stepper.
    data_dir
        The folder that holds data sets, if one was named.
    start_from
        The folder of a run whose weights the training starts from; they are drawn if left out.
    threads
        Number of threads that the compiled trainer shares large layers among; it changes no result.
    """

    seed: int = Field(default=0, ge=0)
    engine: Engine | None = None
    data_dir: str | None = None
    start_from: str | None = None
    threads: int = Field(default=1, ge=1, le=64)
