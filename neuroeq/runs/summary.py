"""What a finished run is, on one screen: what was trained, its accuracies, its times and its costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neuroeq.describe.spec import Network

from .costs import cost_texts, error_text


def summary(network: Network, result: dict[str, Any], path: Path) -> list[str]:
    """Return the lines that sum up a run.

    Parameters
    ----------
    network
        The resolved network that was trained.
    result
        The content of result.json.
    path
        The folder of the run.
    """
    lines = [f"{network.title}, on substrate {result['substrate']}, seed {result['seed']}"]
    for part in ("test", "validation", "train"):
        error = result[f"{part}_error"]
        if error is not None:
            lines.append(f"  {part + ' accuracy':<20} {100 * (1 - error):6.2f} %")
        elif (rmse := result.get(f"{part}_rmse")) is not None:
            lines.append(f"  {part + ' RMSE':<20} {rmse:6.4g}, R^2 {result[f'{part}_r2']:.4f}")
    if result.get("stopped_at") is not None:
        lines.append(f"  {'stopped at epoch':<20} {result['stopped_at']:6} of {network.training.epochs}")
    lines.append(f"  {'training':<20} {result['cpu_s']:6.1f} s CPU, {result['samples_per_s']:,.0f} samples/s")
    if result.get("spikes_per_inference") is not None:
        lines.append(f"  {'spikes/inference':<20} {result['spikes_per_inference']:6.0f}")
    took = result.get("programming")
    if took is not None:
        lines.append(
            f"  {'programming':<20} {took['pulses_per_weight_per_epoch']:6.2f} pulses a weight and epoch "
            f"({took['scheme']}), each worth {100 * took['granularity_of_w_max']:.2g} % of the largest weight"
        )
    lines += [f"  {name:<20} {text}" for name, text in cost_texts(result)]
    lines.append(f"  run folder           {path}")
    return lines


def not_learned(result: dict[str, Any]) -> list[str]:
    """Return a sentence for a run that has not learned, and none for others."""
    if result.get("learned", True):
        return []
    return [
        f"not learned: over the last half of the epochs the training error stayed at that of guessing, "
        f"{error_text(result, 'chance', 1, word='')}{_coarse(result.get('programming'))}"
    ]


def _coarse(took: dict[str, Any] | None) -> str:
    """Return what the devices may have to do with a training that has not learned."""
    if took is None:
        return ""
    return (
        f"; one pulse is worth {took['granularity_of_w_max']:.2g} of the largest weight, and scheme "
        f"'{took['scheme']}' sent {took['pulses_per_weight_per_epoch']:.2g} pulses a weight and epoch, so compare "
        "another hardware.synapse.programming.scheme, or a smaller hardware.neuron.integrator.headroom"
    )
