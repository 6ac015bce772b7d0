"""Write the curves of four devices with soft bounds, as an example for `neuroeq fit`: `example_pulses.py FILE.csv`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from neuroeq.measures.pulse_fit import as_csv, simulate
from neuroeq.physics.devices.laws import SoftBounds

LAW = SoftBounds(model="soft_bounds", step=0.1, up_down=0.15, sigma_c2c=0.25, d2d_step=0.1)

if __name__ == "__main__":
    curves = simulate(LAW, (2e-6, 20e-6), devices=4, cycles=3, pulses=40, rng=np.random.default_rng(2024))
    Path(sys.argv[1]).write_text(as_csv(curves))
