"""How the benchmarks write what they measured: a table in Markdown and a plot, in results/."""

from __future__ import annotations

import platform
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Sequence

RESULTS = Path(__file__).resolve().parent / "results"
OURS, THEIRS = "#2563eb", "#9ca3af"


@dataclass
class Table:
    """A table: the first column is text, the others are figures."""

    title: str
    head: list[str]
    rows: list[list[str]]

    def markdown(self) -> str:
        """Write it in Markdown."""
        rule = ["---", *["---:"] * (len(self.head) - 1)]
        lines = [f"| {' | '.join(row)} |" for row in (self.head, rule, *self.rows)]
        return f"## {self.title}\n\n" + "\n".join(lines) + "\n"


@dataclass
class Bars:
    """A plot of bars: labels and figures as a table shows them, and which of them are ours."""

    title: str
    bars: list[tuple[str, str]]
    ours: str


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Give the median of the ratios of the rounds."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def save(name: str, tables: list[Table], plots: list[Bars]) -> None:
    """Print the tables, and write them and the plots to results/."""
    RESULTS.mkdir(exist_ok=True)
    machine = f"Python {platform.python_version()}, {platform.system()} on {platform.machine()}"
    text = "\n".join(table.markdown() for table in tables)
    print(text)  # noqa: T201 - the result of the command
    RESULTS.joinpath(f"{name}.md").write_text(f"# {name}\n\n{machine}.\n\n{text}", encoding="utf-8")
    draw(plots, RESULTS / f"{name}.svg")


def draw(plots: list[Bars], path: Path) -> None:
    """Draw the plots side by side."""
    # The same figures give the same bytes, and text stays text.
    mpl.rcParams.update({"svg.hashsalt": "servicewright", "svg.fonttype": "none", "font.size": 9})
    rows = max(len(plot.bars) for plot in plots)
    figure = Figure(figsize=(4.8 * len(plots), 0.6 + 0.3 * rows), layout="constrained")
    for axes, plot in zip(figure.subplots(1, len(plots), squeeze=False)[0], plots, strict=True):
        labels = [label.replace("`", "") for label, _ in plot.bars]
        values = [float(figure.replace(",", "")) for _, figure in plot.bars]
        colors = [OURS if plot.ours in label else THEIRS for label in labels]
        bars = axes.barh(labels, values, color=colors)
        axes.bar_label(bars, labels=[figure for _, figure in plot.bars], padding=3)
        axes.invert_yaxis()
        axes.set_title(plot.title, fontsize=10, loc="left")
        axes.spines[["top", "right", "bottom"]].set_visible(False)
        axes.xaxis.set_visible(False)
        axes.margins(x=0.15)
    figure.savefig(path, format="svg", metadata={"Date": None})
