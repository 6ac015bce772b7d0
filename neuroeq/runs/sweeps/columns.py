"""The columns of the table of a sweep, after those of the varied keys."""

from __future__ import annotations

WORDS = ("cell", "substrate", "hardware", "seed", "status", "message")
NUMBERS = (
    "test_error",
    "loss",
    "gradient_cosine",
    "energy_per_inference_J",
    "latency_per_inference_s",
    "cpu_s",
    "train_error",
    "validation_error",
    "chance_error",
    "gradient_cosine_start",
    "energy_per_update_J",
    "latency_per_update_s",
    "spikes_per_inference",
    "test_rmse",
    "test_r2",
    "train_rmse",
)
"""The numbers of a row; the cosine is that of an update at the trained weights, with ``_start`` at the start ones."""
