"""What the pictures are drawn with: styles, the canvas, names beside points, and the way from a figure to an ``svg`` element.

The rule: colours are CSS variables, so that the page's light and dark serve the pictures too; letters stay letters, in the reader's own
font; ids are unique in the page.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from medsim.report.text import esc

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, FAINT = "#010101", "#020202"
"""Stand for the page's own colours of text and of rules."""
SERIES = tuple(f"#0300{at:02x}" for at in range(1, 9))
LIGHT = {
    "ink": "#1b1f24",
    "faint": "#b9c0c8",
    "s1": "#0b5cad",
    "s2": "#b34700",
    "s3": "#0a7a5a",
    "s4": "#8a2d77",
    "s5": "#6b5a00",
    "s6": "#2d6f8f",
    "s7": "#a3202e",
    "s8": "#4a4f57",
}
DARK = {
    "ink": "#e6e9ed",
    "faint": "#4b535d",
    "s1": "#7db7ff",
    "s2": "#ffab6b",
    "s3": "#5fd6b0",
    "s4": "#e79ad6",
    "s5": "#dbc75a",
    "s6": "#8fd0ee",
    "s7": "#ff9aa2",
    "s8": "#b8c0ca",
}
MARKERS = "osD^vPX*<>ph"
LINES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)), (0, (3, 1, 1, 1, 1, 1)), (0, (8, 2)))
MOST = 12
"""More arms than this do not fit into one picture; the table has them all."""


def style(arm: int) -> dict[str, Any]:
    """Colour, marker and line of an arm; two of twelve never share all three."""
    return {
        "color": SERIES[(arm - 1) % len(SERIES)],
        "marker": MARKERS[(arm - 1) % len(MARKERS)],
        "linestyle": LINES[(arm - 1) % len(LINES)],
    }


@contextmanager
def drawing(width: float, height: float) -> Iterator[tuple[Figure, Axes]]:
    """A figure of its own, without pyplot's memory and without anybody's settings."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Made

    settings = {
        "svg.fonttype": "none", "svg.hashsalt": "medsim", "font.family": ["DejaVu Sans"], "font.size": 10, "text.parse_math": False, "text.usetex": False,
        "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": FAINT, "xtick.color": INK, "ytick.color": INK, "axes.unicode_minus": True,
        "axes.spines.top": False, "axes.spines.right": False, "axes.formatter.use_mathtext": False, "path.simplify": False,
    }  # fmt: skip
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # the reader's font draws the letters, not the one that measures them here
        matplotlib.rcdefaults()
        cast(Any, matplotlib.rcParams).update(settings)
        figure = Made(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure, figure.add_subplot()


def whisker(axes: Axes, found: Mapping[str, Any], y: float, look: Mapping[str, Any], *, scale: float) -> None:
    if found["low"] is not None:
        axes.plot([scale * found["low"], scale * found["high"]], [y, y], color=look["color"], linestyle=look["linestyle"], linewidth=1.5)
    axes.plot(scale * found["value"], y, marker=look["marker"], color=look["color"], markersize=6, linestyle="none")


def grid(axes: Axes, *, axis: Any = "both") -> None:
    axes.grid(True, axis=axis, color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)


def beside(axes: Axes, points: Sequence[tuple[float, float, str, str]]) -> None:
    """Name points at the right edge, kept apart from each other, each with a thin line to its point."""
    low, high = axes.get_ylim()
    least = 0.075 * (high - low)
    order = sorted(points, key=lambda point: (point[1], point[0]))
    heights = [y for _, y, _, _ in order]
    for at in range(1, len(heights)):
        heights[at] = max(heights[at], heights[at - 1] + least)
    over = max(0.0, heights[-1] - high) if heights else 0.0
    heights = [height - over for height in heights]
    for at in range(len(heights) - 2, -1, -1):
        heights[at] = min(heights[at], heights[at + 1] - least)
    edge = axes.get_xlim()[1]
    for (x, y, text, color), height in zip(order, heights, strict=True):
        axes.annotate(
            text, (x, y), xytext=(1.03, (height - low) / (high - low)), textcoords="axes fraction", va="center", ha="left", fontsize=9, color=color,
            arrowprops={"arrowstyle": "-", "color": color, "linewidth": 0.6, "relpos": (0, 0.5), "shrinkA": 1, "shrinkB": 5 if x < edge else 0}, annotation_clip=False,
        )  # fmt: skip


def svg(figure: Figure, *, name: str, title: str, text: str) -> str:
    """The figure as an ``svg`` element: described in words, its ids its own, its colours the page's, its letters in the reader's font."""
    raw = io.StringIO()
    figure.savefig(raw, format="svg", transparent=True, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    body = raw.getvalue()
    body = body[body.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'\bid="([^"]*)"', rf'id="{name}-\1"', body)
    body = re.sub(r'(xlink:href="#|url\(#)', rf"\1{name}-", body)
    body = re.sub(r"<style type=\"text/css\">.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r"font-family: [^;\"]*", "font-family: inherit", body)
    for colour, variable in _variables():
        body = body.replace(colour, f"var(--{variable})")
    box = re.search(r'viewBox="[^"]*"', body)
    inner = body[body.index(">") + 1 :]
    head = (
        f'<svg class="plot" role="img" aria-labelledby="{name}-title {name}-desc" {box[0] if box else ""} xmlns="http://www.w3.org/2000/svg" '
        f'xmlns:xlink="http://www.w3.org/1999/xlink"><title id="{name}-title">{esc(title)}</title><desc id="{name}-desc">{esc(text)}</desc>'
        '<g stroke-linejoin="round" stroke-linecap="butt">'
    )
    return f"{head}{inner.rstrip().removesuffix('</svg>')}</g></svg>"


def _variables() -> Iterator[tuple[str, str]]:
    yield INK, "ink"
    yield FAINT, "faint"
    yield from ((colour, f"s{at}") for at, colour in enumerate(SERIES, 1))
