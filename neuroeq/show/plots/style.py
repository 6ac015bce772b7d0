"""How figures look: their style, which users may override, their colours, and how they are written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from neuroeq.errors import SpecError
from neuroeq.runs.analysis import Segment
from neuroeq.runs.records.files import atomic

from .fitted import PhaseName, Shortened

FREE, NUDGED = "#DCE9F5", "#FBE6D3"
FILE, COLUMN = "neuroeq.mplstyle", "column.mplstyle"
"""The style of all figures, which users override by files of the same name; what differs in small ones."""
COLUMN_WIDTH = 120 / 25.4
"""Largest width of a small figure. [in]"""
FORMATS = ("png", "svg", "pdf")
DATES = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
"""The formats of figures; the metadata that keeps the date out of a file, so that the same figure is the same file."""


def read_style(*files: Path) -> dict[str, Any]:
    """Return the settings of Matplotlib that style files hold, each laid over those before it.

    Raises
    ------
    SpecError
        If a file holds something that Matplotlib does not know.
    """
    style: dict[str, Any] = {}
    for file in files:
        try:
            style.update(mpl.rc_params_from_file(file, fail_on_error=True, use_default_template=False).items())
        except (KeyError, ValueError, UnicodeDecodeError, OSError) as error:
            reason = " ".join(str(error).strip("'\"\n").split()).rstrip(".")
            raise SpecError(f"{file}: is no style of Matplotlib ({reason}); mend that line or remove it.") from None
    return style


def own_styles() -> list[Path]:
    """Return the user's own style files that exist: that of ~/.neuroeq, and that of the current folder."""
    home = Path(os.environ.get("NEUROEQ_HOME") or Path.home() / ".neuroeq")
    return [folder / FILE for folder in (home, Path()) if (folder / FILE).is_file()]


_HERE = Path(__file__).parent
STYLE: Any = read_style(_HERE / FILE, *own_styles())
SMALL_STYLE: Any = read_style(_HERE / FILE, _HERE / COLUMN, *own_styles())
COLOURS: Sequence[str] = tuple(8 * STYLE["axes.prop_cycle"].by_key()["color"])[:8]


def styled(width: float | None = None) -> AbstractContextManager[None]:
    """Return a context in which figures are drawn in the style, that of small figures if their width [in] is small."""
    return mpl.rc_context(SMALL_STYLE if width is not None and width <= COLUMN_WIDTH else STYLE)


def new_axes() -> Axes:
    """Return axes in a new figure of the user's pyplot."""
    import matplotlib.pyplot as plt

    with styled():
        _, axes = plt.subplots(layout="constrained")
    return axes


def plain(text: str) -> str:
    """Return what a file says so that Matplotlib draws it as it is, and takes no dollar sign for the start of maths."""
    return text.replace("$", r"\$")


def files_of(names: Sequence[str], out: str | Path, formats: Sequence[str]) -> dict[str, list[Path]]:
    """Return the files of each figure, in a folder that is made if it is not there, or the single file that `out` is.

    Parameters
    ----------
    names
        The names of the figures.
    out
        A folder, or a file that ends with one of `FORMATS`.
    formats
        The formats to write in a folder.

    Raises
    ------
    SpecError
        If `out` is one file for several figures.
    """
    out = Path(out)
    is_file = out.suffix[1:] in FORMATS
    if is_file and len(names) > 1:
        raise SpecError(f"--out {out}: is one file for {len(names)} figures ({', '.join(names)}); expected a folder.")
    (out.parent if is_file else out).mkdir(parents=True, exist_ok=True)
    return {name: [out] if is_file else [out / f"{name}.{suffix}" for suffix in formats] for name in names}


def write(figure: Figure, path: Path, exact: bool = False) -> None:
    """Write a figure in the format that the suffix of the file says: whole, or not at all.

    Parameters
    ----------
    figure
        The figure to write.
    path
        The file, which ends with one of `FORMATS`.
    exact
        Whether the file is as large as the figure; otherwise it is cut to what is drawn.
    """
    content, suffix = BytesIO(), path.suffix[1:]
    figure.savefig(content, format=suffix, bbox_inches=None if exact else "tight", metadata=DATES[suffix])
    atomic(path, content.getvalue())


def write_all(figure: Figure, paths: Sequence[Path], size: tuple[float, float] | None) -> list[Path]:
    """Write a figure into several files, as large as a width and a height [in] if these are given; return the files."""
    if size is not None:
        figure.set_size_inches(size)
    for path in paths:
        write(figure, path, exact=size is not None)
    return list(paths)


def over_time(axes: Axes, phases: list[Segment], start: float | None = None, end: float | None = None) -> Axes:
    """Shade and name the phases, and label the axis of time.

    Parameters
    ----------
    axes
        The axes that something is drawn into over the time of `time_scale`.
    phases
        The recorded phases, in their order.
    start, end
        The first and the last time to show; the whole of the phases if left out. [s]
    """
    scale, unit = time_scale(phases)
    for phase in phases:
        begin = phase.start * scale
        axes.axvspan(begin, phase.end * scale, color=NUDGED if phase.nudged else FREE, zorder=-2, linewidth=0)
        if phase is not phases[0]:
            axes.axvline(begin, color="0.5", linewidth=0.6, linestyle=":", zorder=-1)
        PhaseName(axes, phase_label(phase), begin, phase.end * scale)
    first, last = phases[0].start if start is None else start, phases[-1].end if end is None else end
    axes.set_xlim(first * scale, last * scale)
    axes.set_xlabel(f"simulated time [{unit}]")
    return axes


def count_epochs(axes: Axes) -> None:
    """Make the x axis that of epochs, whole numbers where it is long enough."""
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def set_title(axes: Axes, text: str, *shorter: str, above_names: bool = False) -> None:
    """Give axes a title, or a shorter one where there is less room; it may stand above the names of phases."""
    pad = {"pad": 1.9 * mpl.rcParams["font.size"]} if above_names else {}
    Shortened(axes, axes.set_title(text, **pad), *shorter)


def set_ylabel(axes: Axes, text: str, *shorter: str) -> None:
    """Give the y axis a label, or a shorter one where there is less room."""
    axes.set_ylabel(text)
    Shortened(axes, axes.yaxis.label, *shorter)


def time_scale(phases: list[Segment]) -> tuple[float, str]:
    """Return the factor that turns seconds into a unit that suits the phases, milliseconds or smaller, and the unit."""
    exponent = next((power for power in (3, 6, 9) if phases[-1].end * 10**power >= 1), 12)
    return 10.0**exponent, {3: "ms", 6: "µs", 9: "ns", 12: "ps"}[exponent]


def phase_label(phase: Segment) -> str:
    """Return the name of a phase as figures show it."""
    return phase.name.replace("nudged ", "nudged, β = ").replace("-", "−")
