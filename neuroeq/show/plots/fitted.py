"""Text that fits its axes: it is placed and shortened anew each time it is measured or drawn.

So names and numbers stay within their part of the axes when limits are changed, and in figures of every size.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.text import Text

FIRST = -100
"""The place in the order of drawing of what is to be done before anything else."""
PAD, LINE = 2.0, 1.15
"""The room that a name leaves free beside it [points]; the distance of lines of numbers, in heights of their text."""


class Fitted(Text):
    """Text that `fit` changes before it is measured or drawn.

    Parameters
    ----------
    axes
        The axes that it is added to.
    text
        The text before it is fitted.
    style
        Properties of the text, as Matplotlib names them.
    """

    def __init__(self, axes: Axes, text: str, **style: Any) -> None:
        super().__init__(0, 0, text, clip_on=False, **style)
        axes.add_artist(self)

    def fit(self, renderer: Any) -> None:
        """Change the text and its place."""

    def get_window_extent(self, renderer: Any = None, dpi: float | None = None) -> Any:
        """Return the bounds of the text on the page, once it is fitted."""
        self.fit(renderer)
        return super().get_window_extent(renderer, dpi)

    def draw(self, renderer: Any) -> None:
        """Draw the text, once it is fitted."""
        self.fit(renderer)
        super().draw(renderer)

    def width(self, renderer: Any) -> float:
        """Return the width of the present text on the page [pixels]."""
        return super().get_window_extent(renderer).width


class PhaseName(Fitted):
    """The name of a phase above the axes, in the middle of what is seen of the phase; shorter where there is less room.

    Parameters
    ----------
    axes
        The axes whose x axis is time.
    name
        The whole name, such as ``"nudged, β = +0.1"``.
    start, end
        When the phase starts and ends, on that axis.
    """

    def __init__(self, axes: Axes, name: str, start: float, end: float) -> None:
        super().__init__(axes, name, ha="center", va="bottom", transform=axes.get_xaxis_transform())
        self.set_position(((start + end) / 2, 1.01))
        short = name.removeprefix("nudged, ")
        self._names, self._span = (name, short, short.removeprefix("β = ")), (start, end)

    def fit(self, renderer: Any) -> None:
        """Take the longest name that fits into what is seen of the phase, and none if there is none."""
        assert self.axes is not None
        first, last = sorted(self.axes.get_xlim())
        low, high = (min(max(time, first), last) for time in self._span)
        self.set_x((low + high) / 2)
        (left, _), (right, _) = self.axes.transData.transform([(low, 0), (high, 0)])
        for name in self._names:
            self.set_text(name)
            if self.width(renderer) <= abs(right - left) - PAD * self.axes.figure.dpi / 72:
                return
        self.set_text("")


class Numbers:
    """Numbers of rows to the right of the axes, as many as stand above each other without touching.

    Parameters
    ----------
    axes
        The axes whose y axis counts rows.
    numbers
        The number of each row, from the lowest.
    bottom
        Where the lowest row is, on the y axis.
    height
        The distance of rows, on the y axis.
    """

    def __init__(self, axes: Axes, numbers: Sequence[int], bottom: float, height: float) -> None:
        for row, number in enumerate(numbers):
            _Number(axes, str(number), row, bottom + row * height, height)


class _Number(Fitted):
    """One of `Numbers`, which hides if its row is not one of those that have room."""

    def __init__(self, axes: Axes, text: str, row: int, y: float, height: float) -> None:
        where = axes.get_yaxis_transform()
        super().__init__(axes, text, fontsize="x-small", va="center", transform=where)
        self._number, self._row, self._height = text, row, height
        self.set_position((1.008, y))

    def fit(self, renderer: Any) -> None:
        """Hide the text unless its row is seen and far enough from the last one that has a number."""
        assert self.axes is not None
        pixels = self.axes.transData.transform([(0, 0), (0, self._height)])
        step = abs(pixels[1][1] - pixels[0][1])
        line = LINE * float(self.get_fontsize()) * self.axes.figure.dpi / 72
        low, high = sorted(self.axes.get_ylim())
        seen = low <= self.get_position()[1] <= high and self._row % max(1, -int(-line // step)) == 0
        self.set_text(self._number if seen else "")


class Shortened(Artist):
    """Keeps a title or the label of the y axis as long as its axes, by taking shorter texts where there is less room.

    Parameters
    ----------
    axes
        The axes whose title or label it is.
    text
        The title or the label, with its longest text.
    shorter
        Shorter texts, the longest first; the last one is taken if none fits.
    """

    def __init__(self, axes: Axes, text: Text, *shorter: str) -> None:
        super().__init__()
        self._text, self._all = text, (text.get_text(), *shorter)
        self.set_zorder(FIRST)
        axes.add_artist(self)

    def draw(self, renderer: Any) -> None:
        """Choose the text, before it is drawn."""
        assert self.axes is not None
        room = self.axes.get_window_extent(renderer)
        upright = self._text is self.axes.yaxis.label
        if self._text.get_text() not in self._all:
            return  # the user has replaced it
        for text in self._all:
            self._text.set_text(text)
            taken = self._text.get_window_extent(renderer)
            if (taken.height <= room.height) if upright else (taken.width <= room.width):
                return

    def get_tightbbox(self, renderer: Any = None) -> None:
        """Choose the text, before the room that it takes is measured; nothing else is drawn."""
        if renderer is not None:
            self.draw(renderer)
