"""What a run of the variants comes to, for the terminal and as a page."""

from __future__ import annotations

import html
import time
from dataclasses import dataclass, field
from itertools import groupby
from string import Template
from typing import TYPE_CHECKING, Any

from servicewright.variants import OFF

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import pytest

# Under this name a test hands what it knows of a variant to the report.
PROPERTY = "variant"

# Under this name a test says which variants were looked at without being run.
LOOKED_AT = "looked at"

# The parts of the work whose processor time is told.
PARTS = ("render", "environment", "suite")

# How many of the slowest variants the page shows at once.
SLOWEST = 20

# How many things that are wrong with one variant it shows.
MOST_PROBLEMS = 10


@dataclass(frozen=True)
class Run:
    """What became of one variant.

    Attributes:
        id: The variant.
        answers: Its answers.
        same_as: The variant whose suite was run in its place because it reads the same bytes.
        tests: How many tests passed.
        problems: What was wrong, one sentence each.
        seconds: How long the suite took.
        cpu: The seconds of processor time that each part of the work took.
        date: The day on which that was.
        earlier: Whether the suite in its place has passed in an earlier run.
    """

    id: str
    answers: Mapping[str, Any]
    same_as: str | None
    tests: int
    problems: list[str]
    seconds: float
    cpu: Mapping[str, float]
    date: str
    earlier: bool = False


@dataclass(eq=False)  # pytest keeps its plugins in sets
class Report:
    """A pytest plugin that collects what the tests say of the variants.

    Attributes:
        path: Where the page is written.
        runs: What became of each variant.
        looked_at: Which variants were looked at besides.
    """

    path: Path
    runs: list[Run] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)
    looked_at: str = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what became of a variant."""
        if report.when == "call":
            for name, value in report.user_properties:
                if name == PROPERTY and isinstance(value, dict):
                    self.runs.append(Run(**value))
                elif name == LOOKED_AT:
                    self.looked_at = str(value)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say how many variants there were and what they took, and write the page."""
        if self.looked_at or self.runs:
            terminalreporter.section("variants")
        if self.looked_at:
            terminalreporter.line(self.looked_at)
        if not self.runs:
            return
        seconds = time.monotonic() - self.started
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(page(self.runs, seconds), encoding="utf-8")
        for line in summary(self.runs):
            terminalreporter.line(line)
        for run in slowest(self.runs)[:3]:
            terminalreporter.line(f"  {run.seconds:6.1f} s  {run.id}")
        terminalreporter.line(f"Report: {self.path}")


def summary(runs: list[Run]) -> list[str]:
    """Say in a few lines what a run comes to."""
    passed = sum(not run.problems for run in runs)
    own = [run for run in runs if run.same_as is None]
    earlier = sum(run.earlier for run in runs)
    times = ", ".join(f"{part} {mean(run.cpu[part] for run in runs):.3f} s" for part in PARTS)
    return [
        f"{len(runs)} variants: {passed} passed, {len(runs) - passed} failed.",
        (
            f"{len(own)} suites were run, with {sum(run.tests for run in own)} tests; "
            f"{len(runs) - len(own) - earlier} read the same bytes as one of these, "
            f"{earlier} as one that passed in an earlier run."
        ),
        f"Processor time of a variant: {times}.",
    ]


def mean(numbers: Iterable[float]) -> float:
    """Give the mean of some numbers."""
    values = list(numbers)
    return sum(values) / len(values)


def slowest(runs: Iterable[Run]) -> list[Run]:
    """Sort runs by their time, the longest first."""
    return sorted(runs, key=lambda run: -run.seconds)


def page(runs: list[Run], seconds: float) -> str:
    """Write the page about some runs, which took so many seconds together."""
    failed = [run for run in runs if run.problems]
    ordered = slowest(runs)
    return PAGE.substitute(
        verdict="failed" if failed else "passed",
        title=f"{len(failed)} of {len(runs)} variants fail"
        if failed
        else f"All {len(runs)} variants pass",
        summary="".join(f"<p>{html.escape(line)}</p>" for line in summary(runs)),
        took=f"{seconds // 60:.0f} min {seconds % 60:02.0f} s",
        failures=failures(failed),
        grid=grid(runs),
        slowest=rows(ordered[:SLOWEST], ordered[0].seconds),
        others=rows(ordered[SLOWEST:], ordered[0].seconds),
        others_count=max(0, len(ordered) - SLOWEST),
    )


def failures(failed: list[Run]) -> str:
    """Write down what is wrong with each variant that failed."""
    if not failed:
        return ""
    entries = "".join(
        f'<li id="{html.escape(run.id)}"><h3>{html.escape(run.id)}</h3><ul>'
        + "".join(f"<li>{html.escape(problem)}</li>" for problem in run.problems[:MOST_PROBLEMS])
        + "</ul></li>"
        for run in failed
    )
    return f'<section><h2>Failures</h2><ol class="failures">{entries}</ol></section>'


def grid(runs: list[Run]) -> str:
    """Draw a square for each variant: the first answers choose the row, the others the column."""
    # Some are asked in some variants only.
    questions = list(dict.fromkeys(name for run in runs for name in run.answers))
    half = (len(questions) + 1) // 2
    longest = max(run.seconds for run in runs) or 1.0
    answers = {run.id: [run.answers.get(name, False) for name in questions] for run in runs}
    down = in_order(tuple(each[:half]) for each in answers.values())
    across = in_order(tuple(each[half:]) for each in answers.values())
    found = {tuple(answers[run.id]): run for run in runs}
    lines = []
    for depth, name in enumerate(questions[half:]):
        cells = "".join(
            f'<th scope="colgroup" colspan="{len(list(same))}">{label(key[-1])}</th>'
            for key, same in groupby(across, key=lambda answers: answers[: depth + 1])
        )
        lines.append(f'<tr><th class="name" colspan="{half}">{html.escape(name)}</th>{cells}</tr>')
    names = "".join(f'<th class="name">{html.escape(name)}</th>' for name in questions[:half])
    lines.append(f"<tr>{names}</tr>")
    above: tuple[Any, ...] = ()
    for row in down:
        heads = "".join(
            f'<th scope="row">{"" if row[:depth] == above[:depth] else label(row[depth - 1])}</th>'
            for depth in range(1, half + 1)
        )
        above = row
        cells = "".join(square(found.get((*row, *column)), longest) for column in across)
        lines.append(f"<tr>{heads}{cells}</tr>")
    return f'<table class="grid"><tbody>{"".join(lines)}</tbody></table>'


def in_order(answers: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Sort combinations of answers, without repetition and with what is off first."""
    return sorted(
        set(answers), key=lambda each: [(answer not in OFF, str(answer)) for answer in each]
    )


def label(answer: object) -> str:
    """Write an answer as the head of rows or columns."""
    if isinstance(answer, bool):
        return "yes" if answer else "no"
    return html.escape(str(answer))


def square(run: Run | None, longest: float) -> str:
    """Draw one variant: the longer it took, the darker."""
    if run is None:
        return "<td></td>"
    about = html.escape(f"{run.id}: {run.seconds:.1f} s, {run.tests} tests")
    if run.problems:
        return (
            f'<td class="bad" title="{about}">'
            f'<a href="#{html.escape(run.id)}" aria-label="{about}, failed">&times;</a></td>'
        )
    if run.same_as is not None:
        about += html.escape(f", same bytes as {run.same_as}")
        return f'<td class="good" title="{about}">=</td>'
    return f'<td class="good" style="--share:{run.seconds / longest:.2f}" title="{about}"></td>'


def rows(runs: list[Run], longest: float) -> str:
    """Write a row of the table of times for each run."""
    lines = []
    for run in runs:
        share = run.seconds / (longest or 1.0)
        kind, result = ("bad", "failed") if run.problems else ("good", "passed")
        lines.append(
            f'<tr class="{kind}"><td class="bar" style="--share:{share:.3f}">{run.seconds:.2f} s'
            f"</td><td>{run.tests}</td><td>{result}</td><td>{html.escape(run.id)}</td></tr>"
        )
    return "".join(lines)


PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
  :root { color-scheme: light dark; --good: 150 55% 38%; --bad: 0 70% 50%;
    --line: light-dark(#ddd, #3a3a3a); --soft: light-dark(#666, #aaa); }
  body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem;
    padding: 0 1rem; }
  h1 { font-size: 1.9rem; margin: 0 0 .5rem; }
  h1::before { content: ""; display: inline-block; width: .7em; height: .7em; margin-right: .4em;
    border-radius: 50%; background: hsl(var(--good)); }
  .failed h1::before { background: hsl(var(--bad)); }
  h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; }
  h3 { font: 600 .95rem ui-monospace, monospace; margin: .8rem 0 .2rem; }
  p { margin: .1rem 0; } .soft, caption { color: var(--soft); }
  .scroll { overflow-x: auto; }
  table { border-collapse: collapse; font-size: .8rem; }
  th { font-weight: 500; text-align: left; white-space: nowrap; padding: 0 .5rem 0 0; }
  .grid .name { color: var(--soft); }
  .grid th[scope=colgroup] { border-left: 1px solid var(--line); padding-left: .25rem; }
  .grid td { min-width: 1.15rem; height: 1.15rem; padding: 0; text-align: center;
    border: 2px solid transparent; background-clip: padding-box; border-radius: 5px; }
  .grid .good { background-color: hsl(var(--good) / calc(.25 + .75 * var(--share, .3))); }
  .grid .bad { background-color: hsl(var(--bad)); }
  .grid .bad a { color: #fff; display: block; text-decoration: none; font-weight: 700; }
  .times { width: 100%; }
  .times td, .times th { padding: .15rem .6rem; border-bottom: 1px solid var(--line); }
  .times td:last-child { font-family: ui-monospace, monospace; width: 99%;
    overflow-wrap: anywhere; }
  .bar { min-width: 8rem; white-space: nowrap; background: linear-gradient(90deg,
    hsl(var(--good) / .35) calc(100% * var(--share)), transparent 0); }
  tr.bad .bar { background: linear-gradient(90deg,
    hsl(var(--bad) / .35) calc(100% * var(--share)), transparent 0); }
  .failures { padding-left: 1.4rem; } .failures ul { margin: 0; overflow-wrap: anywhere; }
  .failures > li:target h3 { outline: 2px solid hsl(var(--bad)); }
  summary { cursor: pointer; margin: .6rem 0; }
</style>
</head>
<body class="$verdict">
<h1>$title</h1>
$summary
<p class="soft">The whole run took $took.</p>
$failures
<section>
<h2>Every variant</h2>
<p class="soft">The darker a square, the longer the suite took; &times; failed, = the suite
reads the same bytes as another one. Hold the pointer over a square for its name.</p>
<div class="scroll">$grid</div>
</section>
<section>
<h2>Slowest first</h2>
<div class="scroll"><table class="times">
<thead><tr><th>Time</th><th>Tests</th><th>Result</th><th>Variant</th></tr></thead>
<tbody>$slowest</tbody></table>
<details><summary>The other $others_count variants</summary>
<table class="times"><tbody>$others</tbody></table></details></div>
</section>
</body>
</html>
""")
