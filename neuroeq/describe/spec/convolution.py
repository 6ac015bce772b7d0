"""How the kernels of a convolutional projection move over the layer that sends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .graph import Layer, Projection

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Geometry:
    """How a kernel moves over a layer.

    Parameters
    ----------
    before, after
        Shapes of the layer that sends and of the one that receives: (channels, height, width).
    kernel
        Width of the kernel.
    stride
        Distance of neighbouring positions.
    padding
        Number of rows and columns of zeros on each side.
    pooled
        Whether the average over 2 x 2 positions is taken.
    """

    before: Shape
    after: Shape
    kernel: int
    stride: int = 1
    padding: int = 0
    pooled: bool = False

    @property
    def width(self) -> int:
        """The width of the kernel that also takes the average."""
        return self.kernel + self.stride * self.pooled

    @property
    def step(self) -> int:
        """The distance of neighbouring positions after the average was taken."""
        return self.stride * (1 + self.pooled)

    @property
    def padded(self) -> tuple[int, int]:
        """Height and width of the layer that sends, with its padding."""
        return self.before[1] + 2 * self.padding, self.before[2] + 2 * self.padding

    @property
    def positions(self) -> int:
        """The number of positions at which the kernel is applied."""
        return self.after[1] * self.after[2]


def check_convolution(name: str, projection: Projection, layers: Mapping[str, Layer]) -> None:
    """Refuse a convolution that does not lead from the shape of its source to that of its target."""
    if projection.kind != "conv":
        return
    where = f"projections.{name}"
    if projection.source == projection.target:
        raise ValueError(f"{where} is a convolution of layer '{projection.source}' with itself; expected two layers")
    if projection.connect is not None or projection.delay is not None:
        key = "connect" if projection.connect is not None else "delay"
        raise ValueError(f"{where}.{key} is given for a convolution; leave it out, or use kind = 'dense'")
    if projection.initial.angle is not None:
        raise ValueError(f"{where}.initial.angle is given for a convolution; leave it out, or use kind = 'dense'")
    for layer in (projection.source, projection.target):
        if layers[layer].shape is None:
            raise ValueError(
                f"{where} is a convolution, and layers.{layer} has a size and no shape; expected "
                "shape = [channels, height, width]"
            )
    geometry = geometry_of(projection, layers)
    sizes = [_along(where, projection, size) for size in geometry.before[1:]]
    if tuple(sizes) != geometry.after[1:]:
        raise ValueError(
            f"{where} leads from {list(geometry.before)} to {[geometry.after[0], *sizes]}, and "
            f"layers.{projection.target}.shape is {list(geometry.after)}; expected "
            f"shape = {[geometry.after[0], *sizes]}, or another kernel, stride, padding or pool"
        )


def geometry_of(projection: Projection, layers: Mapping[str, Layer]) -> Geometry:
    """Return how the kernels of a convolution move."""
    before, after = layers[projection.source].shape, layers[projection.target].shape
    assert projection.kernel is not None and before is not None and after is not None, "it was checked"
    return Geometry(before, after, projection.kernel, projection.stride, projection.padding, projection.pool != "none")


def _along(where: str, projection: Projection, size: int) -> int:
    """Return the number of positions along one direction."""
    assert projection.kernel is not None, "it was checked"
    padded = size + 2 * projection.padding
    if projection.kernel > padded:
        raise ValueError(
            f"{where}.kernel is {projection.kernel}, wider than layer '{projection.source}', which has {padded} with "
            f"its padding; expected {padded} at most"
        )
    found = (padded - projection.kernel) // projection.stride + 1
    if projection.pool == "none":
        return found
    if found % 2:
        raise ValueError(
            f"{where}.pool is 'average' over 2 x 2 of {found} positions, which do not divide; expected an even number, "
            "so change kernel, stride or padding by one"
        )
    return found // 2
