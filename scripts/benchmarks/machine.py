"""What the figures were measured on."""

from __future__ import annotations

import platform
import time
from pathlib import Path

import numpy as np


def describe() -> str:
    """Return processor, versions, and the rate of matrix products on one thread."""
    import brian2

    names = [line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")]
    return (
        f"{names[0] if names else platform.processor()}, Python {platform.python_version()}, "
        f"NumPy {np.__version__}, Brian2 {brian2.__version__}, one thread, "
        f"{gemm_rate('float64') / 1e9:.0f} / {gemm_rate('float32') / 1e9:.0f} Gflop/s in float64 / float32 products"
    )


def gemm_rate(dtype: str, n: int = 768) -> float:
    """Return the floating-point operations per second of a matrix product."""
    a = np.random.default_rng(0).random((n, n)).astype(dtype)
    a @ a
    return 2 * n**3 / min(_timed(a) for _ in range(5))


def _timed(a: np.ndarray) -> float:
    start = time.process_time()
    a @ a
    return time.process_time() - start


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []
