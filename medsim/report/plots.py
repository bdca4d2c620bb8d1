"""The pictures of a report.

The rule: nothing is told by colour alone. Every arm has a marker and a line style of its own and is named beside its point or line; what
is on the Pareto front is filled, ringed and joined. Axes carry units. A picture that has nothing to show is empty.
"""

from __future__ import annotations

from collections.abc import Sequence

from medsim.report.drawing import FAINT, INK, MOST, SERIES, beside, drawing, grid, style, svg, whisker
from medsim.report.figures import Row
from medsim.report.text import labels, short

PAIRS = 30
"""More pairs than this do not fit into one picture."""


def efficiency(rows: Sequence[Row], *, name: str) -> str:
    """Score against what it took, one axis; empty where there is no point."""
    found = [row for row in rows if row["x"] is not None and row["score"] is not None][:MOST]
    if not found:
        return ""
    named = labels({row["arm"]: row["name"] for row in found})
    with drawing(5.2, 3.5) as (figure, axes):
        front = sorted((row for row in found if row["front"]), key=lambda row: row["x"])
        if len(front) > 1:
            axes.plot([row["x"] for row in front], [row["score"] for row in front], color=INK, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        for row in found:
            look = style(row["arm"])
            face = look["color"] if row["front"] else "none"
            axes.plot(
                row["x"],
                row["score"],
                linestyle="none",
                marker=look["marker"],
                color=look["color"],
                markerfacecolor=face,
                markersize=9,
                markeredgewidth=1.6,
                zorder=3,
            )
            if row["front"]:
                axes.plot(
                    row["x"],
                    row["score"],
                    linestyle="none",
                    marker="o",
                    color=INK,
                    markerfacecolor="none",
                    markersize=16,
                    markeredgewidth=0.9,
                    zorder=2,
                )
        low = min(0.0, *(row["x"] for row in found))
        high = max(row["x"] for row in found)
        axes.set_xlim(low - 0.06 * (high - low or 1), high + 0.06 * (high - low or 1))
        axes.set_ylim(-0.07, 1.07)
        beside(
            axes,
            [
                (row["x"], row["score"], f"{named[row['arm']]}{' (front)' if row['front'] else ''}", style(row["arm"])["color"])
                for row in found
            ],
        )
        axes.set_xlabel(f"{short(found[0]['unit'], longest=60)},\nmean over cases", loc="left")
        axes.set_ylabel("score, mean over cases (0 to 1)")
        grid(axes)
        return svg(figure, name=name, title=f"Score against {found[0]['axis']}", text=_told(found, "x"))


def curves(rows: Sequence[Row], *, name: str) -> str:
    """Share of facts found by turn, a line for each arm; empty where there is none."""
    found = [row for row in rows if row["share"]][:MOST]
    last = max((row["last_turn"] for row in found), default=0)
    if not found or not last:
        return ""
    named = labels({row["arm"]: row["name"] for row in found})
    with drawing(7.2, 4.0) as (figure, axes):
        for row in found:
            look, ended = style(row["arm"]), row["last_turn"]
            ys = row["share"][: ended + 1]
            every = max(1, last // 10)
            axes.plot(
                range(len(ys)),
                [100 * y for y in ys],
                color=look["color"],
                linestyle=look["linestyle"],
                linewidth=1.8,
                marker=look["marker"],
                markevery=(row["arm"] % every, every),
                markersize=5,
            )
            axes.plot([ended, last], [100 * row["share"][-1]] * 2, color=look["color"], linestyle=(0, (1, 4)), linewidth=0.8)
        axes.set_xlim(0, last)
        axes.set_ylim(0, max(10.0, 1.12 * max(100 * y for row in found for y in row["share"])))
        beside(
            axes,
            [
                (last, 100 * row["share"][-1], f"{named[row['arm']]} {100 * row['share'][-1]:.0f} %", style(row["arm"])["color"])
                for row in found
            ],
        )
        axes.set_xlabel("turn of the doctor (number)")
        axes.set_ylabel("facts found, mean over cases (%)")
        grid(axes)
        return svg(
            figure,
            name=name,
            title="Facts found by turn",
            text="; ".join(f"{row['name']}: {100 * row['share'][-1]:.0f} % by turn {row['last_turn']}" for row in found),
        )


def profile(rows: Sequence[Row], *, name: str) -> str:
    """Share of points by competency, a marker with its interval for each arm; empty where nothing is told."""
    found = [row for row in rows if row["share"]["value"] is not None and row["arm"] <= MOST]
    if not found:
        return ""
    names, arms = list(dict.fromkeys(row["words"] for row in found)), list(dict.fromkeys(row["arm"] for row in found))
    named = labels({row["arm"]: row["name"] for row in found}, longest=18)
    step = 0.8 / len(arms)
    with drawing(7.2, 0.8 + len(names) * max(0.6, 0.19 * len(arms))) as (figure, axes):
        for row in found:
            look = style(row["arm"])
            y = names.index(row["words"]) + (arms.index(row["arm"]) - (len(arms) - 1) / 2) * step
            share = row["share"]
            whisker(axes, share, y, look, scale=100)
            axes.annotate(
                named[row["arm"]],
                (100 * max(share["value"], share["high"] or 0), y),
                xytext=(9, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
                color=look["color"],
            )
        axes.set_yticks(range(len(names)), [short(text, longest=60).replace(" and ", "\nand ") for text in names])
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_xlim(-3, 125)
        axes.set_xticks(range(0, 101, 20))
        for at in range(1, len(names)):
            axes.axhline(at - 0.5, color=FAINT, linewidth=0.6)
        axes.set_xlabel("points earned of those decided (%), with 95 % interval")
        axes.tick_params(left=False)
        return svg(
            figure,
            name=name,
            title="Competency profile",
            text="; ".join(f"{row['name']}, {row['words']}: {100 * row['share']['value']:.0f} %" for row in found),
        )


def gaps(rows: Sequence[Row], *, name: str) -> str:
    """Paired differences with their intervals around no difference; empty where no pair was compared."""
    found = [row for row in rows if row["difference"]["value"] is not None][:PAIRS]
    if not found:
        return ""
    named = labels({row[end]: row[f"name_{end}"] for row in found for end in ("one", "other")}, longest=20)
    with drawing(7.2, 0.9 + 0.3 * len(found)) as (figure, axes):
        axes.axvline(0, color=INK, linewidth=1)
        for at, row in enumerate(found):
            told = row["difference"]["low"] is not None
            look = {"color": SERIES[0], "marker": "o" if told else "x", "linestyle": "-"}
            whisker(axes, row["difference"], at, look, scale=100)
        axes.set_yticks(range(len(found)), [f"{named[row['one']]} less {named[row['other']]}" for row in found])
        axes.set_ylim(len(found) - 0.5, -0.5)
        reach = max(
            abs(100 * row["difference"][end]) for row in found for end in ("value", "low", "high") if row["difference"][end] is not None
        )
        axes.set_xlim(-1.08 * max(reach, 5), 1.08 * max(reach, 5))
        axes.set_xlabel("difference of scores (points of 100), with 95 % interval; a cross has none")
        axes.tick_params(left=False)
        grid(axes, axis="x")
        return svg(figure, name=name, title="Paired differences", text="; ".join(row["words"] for row in found))


def _told(rows: Sequence[Row], column: str) -> str:
    return "; ".join(
        f"{row['name']}: score {row['score']:.2f} at {row[column]:,.1f}{', on the front' if row['front'] else ''}" for row in rows
    )
