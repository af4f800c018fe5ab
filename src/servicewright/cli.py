"""The ``servicewright`` command."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from servicewright import __version__, templates
from servicewright.errors import ServicewrightError, TemplateError, UsageError
from servicewright.next_steps import copier_command, next_steps
from servicewright.variants import shard, variants

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicewright.projects import Project

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - Typer passes the option so
    if wanted:
        typer.echo(f"servicewright {__version__}")
        raise typer.Exit


@app.callback()
def main(
    *,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Write Flask and FastAPI services that run at once."""
    # Names of projects need not fit the encoding of the terminal: say them as well as it can.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@app.command()
def new(  # noqa: PLR0913 - one for each option
    destination: Annotated[
        Path,
        typer.Argument(
            metavar="DEST",
            # It is looked at where all its other faults are told.
            readable=False,
            help="Where the service is written: a new or an empty directory.",
        ),
    ],
    *,
    framework: Annotated[
        str | None,
        typer.Option(metavar="fastapi|flask", help="Short for --set framework=..."),
    ] = None,
    given: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Answer a question. May be given several times."
        ),
    ] = None,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Ask nothing: take the default answers.")
    ] = False,
    template: Annotated[
        str | None,
        typer.Option(
            metavar="PATH_OR_URL",
            help="Take another template. Code that it brings is run: name one you trust.",
            show_default=f"this checkout, or {templates.PUBLISHED}",
        ),
    ] = None,
    ref: Annotated[
        str | None,
        typer.Option(
            metavar="REF",
            help="Take the template at this tag, branch or commit.",
            show_default="the newest release; of a checkout, its files as they are",
        ),
    ] = None,
) -> None:
    """Write a new service.

    Asks what is not given. Without a terminal it asks nothing and takes the default answers.
    """
    # Copier is slow to import, and the other commands do without it.
    from servicewright import projects  # noqa: PLC0415

    try:
        pairs = [_pair(text) for text in given or []]
        if framework is not None:
            pairs.append(("framework", framework))
        project = projects.create(
            templates.locate(template, ref),
            destination,
            pairs,
            ask=not defaults and sys.stdin.isatty() and sys.stdout.isatty(),
        )
    except ServicewrightError as error:
        raise _failure(error) from error
    except KeyboardInterrupt:
        Console(stderr=True).print("Interrupted: nothing was written.")
        raise typer.Exit(130) from None
    _report(project, destination)


@app.command("variants")
def list_variants(
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a list of objects with id and answers.")
    ] = False,
    part: Annotated[
        str | None,
        typer.Option("--shard", metavar="K/N", help="Only the Kth of N parts, such as 3/8."),
    ] = None,
    template: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help="The directory of the template.", show_default="this checkout"
        ),
    ] = None,
) -> None:
    """List all variants of the template: every combination of answers."""
    try:
        root = template or templates.checkout()
        if root is None:
            raise TemplateError(
                "The template is not part of the installed package: "
                "name a checkout of it with --template."
            )
        numbered = list(enumerate(variants(root), start=1))
        if part is not None:
            numbered = shard(numbered, part)
    except ServicewrightError as error:
        raise _failure(error) from error
    if as_json:
        found = [{"id": variant.id, "answers": variant.answers} for _, variant in numbered]
        typer.echo(json.dumps(found, indent=2))
        return
    width = max((len(str(number)) for number, _ in numbered), default=1)
    for number, variant in numbered:
        typer.echo(f"{number:>{width}}  {variant.id}")


def _pair(text: str) -> tuple[str, str]:
    """Split an answer as it is given on the command line."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise UsageError(f"An answer is given as --set KEY=VALUE, not --set {text}.")
    return name, value


def _failure(error: ServicewrightError) -> typer.Exit:
    """Tell the user what is wrong, and give what ends the command."""
    Console(stderr=True, soft_wrap=True, highlight=False).print(
        f"Error: {error}", style="red", markup=False
    )
    return typer.Exit(error.exit_code)


def _report(project: Project, typed: Path) -> None:
    """Say what was made and what can be done with it."""
    stderr = Console(stderr=True, soft_wrap=True, highlight=False)
    for sentence in project.warnings:
        stderr.print(f"Warning: {sentence}", style="yellow", markup=False)
    stdout = Console(soft_wrap=True, highlight=False)
    for line, style in _lines(project, typed):
        stdout.print(line, style=style, markup=False)


def _lines(project: Project, typed: Path) -> Iterator[tuple[str, str | None]]:
    """Give the lines of the report, each with its style."""
    name = project.answers.get("project_name", project.path.name)
    yield f"{name} is in {typed}.", "bold green"
    for step in next_steps(project, typed):
        yield "", None
        yield f"{step.purpose}:", None
        for command in step.commands:
            yield f"  {command}", "bold cyan"
    yield "", None
    yield "Copier alone makes the same service:", None
    yield f"  {copier_command(project, typed)}", "cyan"
