"""The ``servicewright`` command."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import sys
import textwrap
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperCommand

from servicewright import __version__, migrations, proofs, proving, questions, resources, templates
from servicewright.advice import advice, advice_on_branch
from servicewright.errors import (
    ProjectError,
    ProofError,
    ServicewrightError,
    UsageError,
)
from servicewright.interrupts import Interrupted, interruptible
from servicewright.next_steps import copier_command, next_steps, what_was_proved
from servicewright.variants import fair, variants

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from servicewright.changes import Change
    from servicewright.next_steps import Step
    from servicewright.projects import Project
    from servicewright.questions import Answer, Preset
    from servicewright.templates import Source

# What `set` and `update` return while files need the user's hand.
CONFLICTS = 3
# What `check` returns when projects are behind.
BEHIND = 4
# In characters; a longer one quotes something that is too long to be read.
LONGEST_SENTENCE = 1000

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

TemplateOption = Annotated[
    str | None,
    typer.Option(
        metavar="PATH_OR_URL",
        help="Take another template. Code that it brings is run: name one you trust.",
        show_default="the one that this package brings",
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Answer a question. May be given several times."
    ),
]
YesOption = Annotated[
    bool,
    typer.Option("--yes", "-y", help="Let files with your edits, and data, go without asking."),
]
ProjectOption = Annotated[
    Path, typer.Option("--project", metavar="PATH", help="The project.", show_default="here")
]
DryRunOption = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Say what would change, conflicts included, and change nothing."
    ),
]
# Each command takes another version where none is given.
_ref = partial(typer.Option, metavar="REF", help="Take the template at this tag, branch or commit.")


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


class _WithQuestions(TyperCommand):
    """A command whose help ends with what can be answered."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        super().format_help(ctx, formatter)
        with contextlib.suppress(ServicewrightError), templates.directory() as root:
            config = questions.load(root)
            typer.echo(" KEY=VALUE, and [what is taken otherwise]:\n")
            for question in questions.to_be_answered(config):
                typer.echo(textwrap.indent(question.description, "   "))
            typer.echo("\n Presets, and what they answer:\n")
            for preset in questions.presets(config):
                typer.echo(textwrap.indent(preset.description, "   "))


@app.command(cls=_WithQuestions)
def new(  # noqa: PLR0913 - one for each option
    destination: Annotated[
        Path | None,
        typer.Argument(
            metavar="DEST",
            # It is looked at where all its other faults are told.
            readable=False,
            show_default=False,
            help="Where the service is written: a new or an empty directory, or a repository with "
            "nothing but what a git host puts there. Asked for in a terminal.",
        ),
    ] = None,
    *,
    framework: Annotated[
        str | None,
        typer.Option(metavar="fastapi|flask", help="Short for --set framework=..."),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Take answers that go together; --set changes some of them."
        ),
    ] = None,
    given: SetOption = None,
    kept: Annotated[
        list[str] | None,
        typer.Option(
            "--resource",
            metavar="SPECIFICATION",
            help="What the service keeps besides the items, such as 'order(total: money, item: "
            "item?)'. May be given several times.",
        ),
    ] = None,
    without_example: Annotated[
        bool, typer.Option("--no-example", help="Leave out the items, which are an example.")
    ] = False,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Ask nothing: take the default answers.")
    ] = False,
    template: TemplateOption = None,
    ref: Annotated[
        str | None,
        _ref(show_default="the newest release; of a checkout, its files as they are"),
    ] = None,
) -> None:
    """Write a new service.

    Asks what is not given. Without a terminal it asks nothing and takes the default answers.
    """
    with _told("Interrupted: nothing was written."):
        # Copier is slow to import, and the other commands do without it.
        from servicewright import projects  # noqa: PLC0415

        pairs = [_pair(text) for text in given or []]
        if framework is not None:
            pairs.append(("framework", framework))
        ask = not defaults and sys.stdin.isatty() and sys.stdout.isatty()
        source = templates.locate(template, ref)
        if destination is None:
            destination = _ask_where(ask=ask)
        projects.check_destination(destination)
        config = projects.config_of(source)
        presets = questions.presets(config)
        answers = questions.parse_answers(questions.from_config(config), pairs)
        if preset is not None:
            answers = {**questions.preset(presets, preset).answers, **answers}
        if kept or without_example:
            answers = {**answers, **_resources(config, answers, kept or [], without_example)}
        if ask and (asked := _interview(source, destination, answers, presets)) is not None:
            answers, ask = asked, False
        project = projects.create(source, destination, answers, ask=ask)
    _report(project, destination)


def _resources(
    config: Mapping[str, Any],
    answers: Mapping[str, Answer],
    kept: Sequence[str],
    without_example: bool,  # noqa: FBT001 - the option
) -> dict[str, Answer]:
    """Say what a new service keeps: what is answered, or the example, and what is named."""
    name = resources.QUESTION
    if name not in config:
        raise UsageError("This template knows no resources: leave out --resource and --no-example.")
    if without_example and name in answers:
        raise UsageError(f"--set {name}=... says all of them: leave out --no-example.")
    example = [] if without_example else config[name]["default"]
    known = resources.read(answers.get(name, example))
    return {name: resources.typed(resources.added(known, kept))}


def _ask_where(*, ask: bool) -> Path:
    """Ask where a new service is to be."""
    from servicewright import projects, prompts  # noqa: PLC0415

    if not ask:
        raise UsageError("No place for the service: write servicewright new DEST.")

    def problem(text: str) -> str:
        try:
            projects.check_destination(Path(text.strip()))
        except ServicewrightError as error:
            return str(error)
        return ""

    while isinstance(text := prompts.write("Where is it to be?", "service", problem), prompts.Back):
        pass
    return Path(text.strip())


def _interview(
    source: Source, destination: Path, answers: Mapping[str, Answer], presets: Sequence[Preset]
) -> dict[str, Answer] | None:
    """Ask for the answers; None when Copier has to ask, because the template is not like ours."""
    from servicewright import changes, forms, interview  # noqa: PLC0415

    with templates.unpacked(source) as root:
        form = forms.fill(root, destination.expanduser().resolve().name, answers) if root else None
        if form is None:
            return None
        render = partial(changes.render, source)
        asked = interview.Interview(form, str(destination), presets, render).hold()
    if asked is None:
        typer.echo("Nothing was written.")
        raise typer.Exit(1)
    return asked


@app.command("set", no_args_is_help=True)
def set_answers(
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="[PROJECT] KEY=VALUE...",
            help="The project, unless it is the current directory, and the new answers.",
            show_default=False,
        ),
    ],
    *,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    template: TemplateOption = None,
) -> None:
    """Change answers of a project, at the version of the template that it is on.

    All of the project must be committed; nothing is committed for you. Files that go are named
    before anything is touched. The exit code is 3 while files have conflicts.
    """
    first, *others = arguments
    names_project = "=" not in first or Path(first).is_dir()
    project, texts = (Path(first), others) if names_project else (Path(), arguments)
    with _told("Interrupted: nothing was changed."):
        if not texts:
            raise UsageError("No answer to change: write KEY=VALUE, such as docker=no.")
        pairs = [_pair(text, "KEY=VALUE") for text in texts]
        from servicewright import changes  # noqa: PLC0415

        change = changes.prepare_answers(project, pairs, template)
        if change.is_empty:
            typer.echo("Nothing changes: the project has these answers.")
            return
        _make(change, yes=yes, dry_run=dry_run)
    _end(change, project)


@app.command(no_args_is_help=True)
def add(
    specifications: Annotated[
        list[str],
        typer.Argument(
            metavar="SPECIFICATION",
            help="Resources, such as 'order(customer: text(100), total: money, item: item?)'.",
            show_default=False,
        ),
    ],
    *,
    project: ProjectOption = Path(),
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    template: TemplateOption = None,
) -> None:
    """Add resources to what a project keeps, with their migrations.

    Takes the same care as `set`, at the version of the template that the project is on.
    """
    edit = partial(resources.added, texts=specifications)
    _change_resources(project, edit, template, yes=yes, dry_run=dry_run)


@app.command(no_args_is_help=True)
def remove(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME",
            help="Resources, by what one or several are called: order, or orders.",
            show_default=False,
        ),
    ],
    *,
    project: ProjectOption = Path(),
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    template: TemplateOption = None,
) -> None:
    """Remove resources from what a project keeps; a migration drops their tables.

    Takes the same care as `set`, and data goes only if you say so.
    """
    edit = partial(resources.removed, names=names)
    _change_resources(project, edit, template, yes=yes, dry_run=dry_run)


class _WithSigns(TyperCommand):
    """A command whose arguments may begin with a minus sign and a name, which is no option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments."""
        signed = [re.sub(r"^-(?=[a-z]\w+$)", "\N{MINUS SIGN}", text) for text in args]
        return super().parse_args(ctx, signed)


@app.command(cls=_WithSigns, no_args_is_help=True)
def change(  # noqa: PLR0913 - one for each option
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="The resource, such as order.", show_default=False),
    ],
    changes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CHANGE",
            help="'+note: text?' for a new field, 'note: text(50)' for what one is from now on, "
            "-note for one that goes.",
            show_default=False,
        ),
    ] = None,
    *,
    project: ProjectOption = Path(),
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    template: TemplateOption = None,
) -> None:
    """Change the fields of a resource, with a migration that changes its table.

    Takes the same care as `set`, and data goes only if you say so: a field that has another name
    is one that goes and one that comes.
    """
    wanted = [text.replace("\N{MINUS SIGN}", "-", 1) for text in changes or []]
    edit = partial(resources.changed, name=name, changes=wanted)
    _change_resources(project, edit, template, yes=yes, dry_run=dry_run)


def _change_resources(
    project: Path, edit: Any, template: str | None, *, yes: bool, dry_run: bool
) -> None:
    """Change what a project keeps."""
    with _told("Interrupted: nothing was changed."):
        from servicewright import changes  # noqa: PLC0415

        change = changes.prepare_resources(project, edit, template)
        if change.is_empty:
            typer.echo("Nothing changes: that is what the project keeps.")
            return
        _make(change, yes=yes, dry_run=dry_run)
    _end(change, project)


@app.command()
def update(  # noqa: PLR0913 - one for each option
    project: Annotated[
        Path, typer.Argument(metavar="[PROJECT]", help="The project.", show_default="here")
    ] = Path(),
    *,
    ref: Annotated[
        str | None,
        _ref(show_default="the newest release; of a template without releases, its last commit"),
    ] = None,
    given: SetOption = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    branch: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Commit it on a new branch, with a message that says what came; "
            "the project stays as it is.",
            show_default=False,
        ),
    ] = None,
    template: TemplateOption = None,
) -> None:
    """Bring what is new in the template to a project.

    All of the project must be committed; nothing is committed for you but with --branch. What is
    new and which files go is told before anything is touched, and in a terminal new questions are
    asked. The exit code is 3 while files have conflicts.
    """
    with _told("Interrupted: nothing was changed."):
        from servicewright import changes  # noqa: PLC0415
        from servicewright.repository import Repository  # noqa: PLC0415

        pairs = [_pair(text) for text in given or []]
        if branch is not None:
            Repository.of(project).check_branch(branch)
        change = changes.prepare_version(project, ref, pairs, template)
        if change is None:
            typer.echo("Nothing is newer: the project is up to date.")
            return
        typer.echo(f"From version {change.before.commit} to {change.after.commit}.")
        _list_news(change)
        if sys.stdin.isatty() and sys.stdout.isatty():
            asked: dict[str, str] = {}
            seen = {*dict(pairs)}
            while new := [name for name in change.new_answers if name not in seen]:
                seen.update(new)
                asked |= _ask(change, new)
                answers = [*pairs, *asked.items()]
                change = changes.prepare_version(project, ref, answers, template) or change
        elif change.new_answers:
            answers_to_new = ", ".join(
                f"{name}={questions.word(value)}" for name, value in change.new_answers.items()
            )
            typer.echo(
                f"New questions, and how they are answered unless by --set: {answers_to_new}."
            )
        if branch is not None and not dry_run:
            _leave(change, project, branch)
            return
        _make(change, yes=yes, dry_run=dry_run)
    _end(change, project)


@app.command()
def check(
    projects: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PROJECT]...", help="The projects.", show_default="here"),
    ] = None,
    *,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print objects with project, version, newest, state, conflicts, problem.",
        ),
    ] = False,
    template: TemplateOption = None,
) -> None:
    """Say which version of the template projects are on, and what an update would do.

    It is tried in a copy: nothing is written to the projects. The exit code is 1 when one of them
    cannot be updated as it is, else 3 when an update would conflict, else 4 when one is behind.
    """
    with _told("Interrupted: no project was changed."):
        from servicewright import fleet  # noqa: PLC0415

        findings = fleet.check(projects or [Path()], template)
    if as_json:
        listed = [{**asdict(finding), "state": finding.state} for finding in findings]
        typer.echo(json.dumps(listed, indent=2, ensure_ascii=False))
    else:
        rows = [("project", "version", "newest", "state")]
        for finding in findings:
            conflicts = f"an update has conflicts in {', '.join(finding.conflicts)}"
            state = finding.problem or (conflicts if finding.conflicts else finding.state)
            known = (finding.version or "-", finding.newest or "-")
            rows.append((finding.project, *known, _one_line(state)))
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
            typer.echo("  ".join([*cells, row[3]]))
    codes = {fleet.PROBLEM: 1, fleet.CONFLICTS: CONFLICTS, fleet.BEHIND: BEHIND}
    states = {finding.state for finding in findings}
    raise typer.Exit(next((code for state, code in codes.items() if state in states), 0))


@app.command(no_args_is_help=True)
def diff(  # noqa: PLR0913 - one for each option
    answers: Annotated[
        list[str],
        typer.Argument(
            metavar="[A] B",
            help="Answers such as framework=flask,database=none or just flask,docker; without A, "
            "what B changes.",
            show_default=False,
        ),
    ],
    *,
    project: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Take other answers, and the template, from this project.",
            show_default="the default answers",
        ),
    ] = None,
    stat: Annotated[
        bool, typer.Option("--stat", help="Only count the lines of each file.")
    ] = False,
    patch: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a patch for `git apply`.")
    ] = None,
    template: TemplateOption = None,
    ref: Annotated[str | None, _ref()] = None,
) -> None:
    """Show what answers change: the difference between two services fresh from the template."""
    with _told("Interrupted."):
        if len(answers) > 2:  # noqa: PLR2004
            raise UsageError(
                "diff takes one or two lists of answers: separate the answers of a list by commas."
            )
        if project is not None and ref is not None:
            raise UsageError("A project is on a version of its template: leave --ref out.")
        from servicewright import changes, differences, projects  # noqa: PLC0415

        if project is None:
            source, base = templates.locate(template, ref), {}
        else:
            origin = changes.read(project, template)
            source, base = origin.source, origin.answers
        asked = projects.questions_of(source)
        lists = [{**base, **differences.parse(asked, text)} for text in answers]
        before, after = lists if len(lists) > 1 else (base, lists[0])
        if patch is not None:
            text = differences.difference(source, before, after, "-p", "--binary", "--full-index")
            try:
                patch.write_bytes(text)
            except OSError as error:
                raise UsageError(f"{patch} cannot be written: {error.strerror}.") from error
            return
        coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        shown = ["--stat=100"] if stat else ["-p"]
        shown.append(f"--color={'always' if coloured else 'never'}")
        typer.echo(differences.difference(source, before, after, *shown), nl=False)


@app.command("builder")
def serve_builder(
    *,
    host: Annotated[
        str,
        typer.Option(help="Listen there. Another address lets others of the network in."),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Listen on this port, 0 for any that is free.")] = 8000,
    browser: Annotated[bool, typer.Option(help="Open a browser.")] = True,
) -> None:
    """Open a page on which answers are chosen, and the service that they make is seen at once.

    Nothing is written: the page gives an archive, the command that writes the same, and a link.
    """
    with _told("The builder has stopped."):
        from servicewright import serving  # noqa: PLC0415

        serving.serve(host, port, shows=browser)


@app.command("questions")
def list_questions(
    *,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print a list of objects with name, help, answers, default."),
    ] = False,
    template: TemplateOption = None,
    ref: Annotated[str | None, _ref(show_default="the newest release")] = None,
) -> None:
    """List what is asked, the answers that are taken, and in brackets the default."""
    with _told("Interrupted."):
        if template is None and ref is None:
            with templates.directory() as root:
                config: Mapping[str, Any] = questions.load(root)
        else:
            from servicewright import projects  # noqa: PLC0415

            config = projects.config_of(templates.locate(template, ref))
        asked = questions.to_be_answered(config)
    if as_json:
        found = [
            {
                "name": question.name,
                "help": question.help,
                "answers": question.answers,
                "default": question.default,
            }
            for question in asked
        ]
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for question in asked:
        typer.echo(question.description)
    for preset in questions.presets(config):
        typer.echo(f"--preset {preset.description}")


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
        typer.Option(metavar="PATH", help="The directory of the template.", show_default="our own"),
    ] = None,
) -> None:
    """List all variants of the template: every combination of answers."""
    try:
        with nullcontext(template) if template is not None else templates.directory() as root:
            every = variants(root)
        # There may be millions, of which one at a time is enough.
        listed = enumerate(every) if part is None else ((i, every[i]) for i in fair(every, part))
    except ServicewrightError as error:
        raise _failure(error) from error
    if as_json:
        typer.echo("[", nl=False)
        between = "\n"
        for _, variant in listed:
            one = json.dumps({"id": variant.id, "answers": variant.answers})
            typer.echo(between + one, nl=False)
            between = ",\n"
        typer.echo("\n]")
        return
    width = len(str(len(every)))
    for number, variant in listed:
        typer.echo(f"{number + 1:>{width}}  {variant.id}")


@app.command("prove")
def prove_variants(
    answers: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=VALUE]...",
            help="Only the variants with these answers.",
            show_default="all variants",
        ),
    ] = None,
    *,
    part: Annotated[
        str,
        typer.Option("--shard", metavar="K/N", help="Only the Kth of N parts, such as 3/8."),
    ] = "1/1",
    lowest: Annotated[
        bool,
        typer.Option("--lowest", help="Install the lowest of the versions that are allowed."),
    ] = False,
    again: Annotated[
        bool,
        typer.Option("--again", help="Run suites although the same bytes have passed before."),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The manifest: what it says of other variants stays.",
            show_default="the one that a release carries",
        ),
    ] = None,
) -> None:
    """Prove variants: render, install, lint and type-check each, run its suite, write a manifest.

    Works in a clone of the repository. After an interrupt the same command goes on from there. The
    exit code is 1 while a variant fails.
    """
    with _told("Interrupted: the same command goes on from here."):
        pairs = [_pair(text, "KEY=VALUE") for text in answers or []]
        code = proving.prove(pairs, part, output or proofs.CARRIED, lowest=lowest, again=again)
    raise typer.Exit(code)


@app.command("constraints")
def list_constraints() -> None:
    """List the versions that variants were proved with, as pip and uv take constraints.

    For the day on which a newer release breaks an installation.
    """
    with _told("Interrupted."):
        manifest = proofs.carried()
        lines = proofs.constraints(manifest.proofs.values()) if manifest else []
        if not lines:
            raise ProofError(
                "This package carries no proof, which `servicewright prove` makes in a clone of "
                "the repository."
            )
    typer.echo("\n".join(lines))


def _pair(text: str, form: str = "--set KEY=VALUE") -> tuple[str, str]:
    """Split an answer as it is given on the command line."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        typed = form.replace("KEY=VALUE", text)
        raise UsageError(f"An answer is given as {form}, not {typed}.")
    return name, value


@contextmanager
def _told(interrupted: str) -> Iterator[None]:
    """Tell errors in a sentence, and an interrupt in this one."""
    try:
        with interruptible():
            yield
    except ServicewrightError as error:
        raise _failure(error) from error
    except KeyboardInterrupt as interrupt:
        # A key that is pressed at a prompt sends no signal.
        Console(stderr=True).print(interrupted)
        code = interrupt.exit_code if isinstance(interrupt, Interrupted) else 128 + signal.SIGINT
        raise typer.Exit(code) from None


def _make(change: Change, *, yes: bool, dry_run: bool) -> None:
    """Name what is going to go, ask where it holds edits of the user's, and make the change."""
    for sentence in change.warnings:
        _say(f"Warning: {sentence}", "yellow", stderr=True)
    if change.folder is not None and change.moved:
        before, after = change.folder
        typer.echo(f"{before} is {after} from now on, with your files in it.")
    _list("Files that go:", [name for name in change.dropped if name not in change.edited])
    _list("Files that go with your edits in them:", change.edited, style="bold yellow")
    _list_data(change)
    if dry_run:
        _list("Files that are new:", change.added)
        _list("Files that move:", [f"{old} -> {new}" for old, new in change.moved.items()])
        _list("Files that change:", change.modified)
        _list_settled(change)
        _list("Files with conflicts:", change.conflicts, style="bold red")
        typer.echo("Nothing was changed, because this is a dry run.")
        raise typer.Exit(CONFLICTS if change.conflicts else 0)
    loses_data = bool(change.told.get(migrations.LOST))
    if (change.edited or loses_data) and not yes:
        what = " and ".join(
            [*(["your edits"] if change.edited else []), *(["data"] if loses_data else [])]
        )
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            it = "them" if change.edited else "it"
            raise ProjectError(
                f"Nothing was changed, because {what} would go: give --yes to let {it} go."
            )
        asked = "Let them go? (git keeps what is committed)" if change.edited else ""
        if not typer.confirm(asked or "Let the data go, in each database that is migrated?"):
            typer.echo("Nothing was changed.")
            raise typer.Exit(1)
    change.make()


def _list_data(change: Change) -> None:
    """Say what new migrations do to the rows of a database."""
    for heading, said, style in (
        (migrations.LOST, "What a migration loses in a database:", "bold yellow"),
        (migrations.FILLED, "What rows get that are in a database:", None),
        (
            migrations.NEEDED,
            "What must be so in a database, or the migration fails:",
            "bold yellow",
        ),
    ):
        _list(said, change.told.get(heading, ()), style)


def _list(heading: str, names: Sequence[str], style: str | None = None) -> None:
    """Print names of files, one on a line."""
    stdout = Console(soft_wrap=True, highlight=False)
    if names:
        stdout.print(heading, style=style, markup=False)
    for name in names:
        stdout.print(f"  {name}", markup=False)


def _list_news(change: Change) -> None:
    """Say what a newer version brings to the service."""
    kinds = dict.fromkeys(kind for kind, _ in change.news)
    for kind in kinds:
        typer.echo(f"{kind or 'New'}:")
        for each, text in change.news:
            if each == kind:
                _say(f"- {_one_line(text)}")


def _ask(change: Change, names: Sequence[str]) -> dict[str, str]:
    """Ask what the template did not ask so far; Esc goes back to the question before."""
    from servicewright.interview import pick  # noqa: PLC0415
    from servicewright.projects import questions_of  # noqa: PLC0415
    from servicewright.prompts import Back, write  # noqa: PLC0415

    source = replace(change.after.source, ref=change.after.commit, directory=None)
    by_name = {question.name: question for question in questions_of(source)}
    asked = [by_name[name] for name in names if by_name[name].is_asked]
    given = {question.name: change.new_answers[question.name] for question in asked}
    position = 0
    while position < len(asked):
        question = asked[position]
        message, current = question.help or question.name, given[question.name]
        answer: Answer | Back
        if question.answers is None:
            answer = write(message, questions.word(current), lambda _: "")
        else:
            answer = pick(question, message, current)
        if isinstance(answer, Back):
            position = max(position - 1, 0)
            continue
        given[question.name] = answer
        _say(f"* {message} {questions.word(answer)}")
        position += 1
    return {name: questions.word(answer) for name, answer in given.items()}


def _leave(change: Change, typed: Path, branch: str) -> None:
    """Commit a change on a branch, and say what can be done with it."""
    for sentence in change.warnings:
        _say(f"Warning: {sentence}", "yellow", stderr=True)
    _list("Files that go with your edits in them:", change.edited, style="bold yellow")
    _list_data(change)
    change.leave_on(branch)
    _say(f"Branch {branch} has the update; your files are as they were.", "bold green")
    _list_settled(change)
    _list("Files with conflicts:", change.conflicts, style="bold red")
    stdout = Console(soft_wrap=True, highlight=False)
    _print_steps(stdout, advice_on_branch(change, typed, branch))
    if change.conflicts:
        raise typer.Exit(CONFLICTS)


def _list_settled(change: Change) -> None:
    """Name where the change and the user's edits met, so that the user can look there."""
    met = [f"{name} ({', '.join(places)})" for name, places in change.settled.items()]
    _list("Files in which your edits are next to what changes, both of them kept:", met)


def _end(change: Change, typed: Path) -> None:
    """Say what was changed and what is to be done, and fail while there are conflicts."""
    stdout = Console(soft_wrap=True, highlight=False)
    counts = {
        "new": len(change.added),
        "modified": len(change.modified),
        "moved": len(change.moved),
        "gone": len(change.dropped),
    }
    count = sum(counts.values())
    if not change.moved:
        del counts["moved"]
    stdout.print(
        f"{count} {'file' if count == 1 else 'files'} changed: "
        f"{', '.join(f'{number} {what}' for what, number in counts.items())}.",
        style="bold green",
        markup=False,
    )
    _list_settled(change)
    _list("Files with conflicts:", change.conflicts, style="bold red")
    # All was committed or ignored before.
    _list(
        "What git ignores no more: delete it, or name it in .gitignore:",
        change.repository.unknown(),
        style="bold yellow",
    )
    _print_steps(stdout, advice(change, typed))
    if change.conflicts:
        raise typer.Exit(CONFLICTS)


def _print_steps(stdout: Console, steps: Sequence[Step]) -> None:
    """Say what can be done, each step with its commands."""
    for step in steps:
        stdout.print(f"\n{step.purpose}:", markup=False)
        for command in step.commands:
            stdout.print(f"  {command}", style="bold cyan", markup=False)


def _say(sentence: str, style: str | None = None, *, stderr: bool = False) -> None:
    """Print a sentence: on one line, or where a person reads it, on lines that end with words."""
    console = Console(stderr=stderr, highlight=False)
    console.print(sentence, style=style, markup=False, soft_wrap=not console.is_terminal)


def _failure(error: ServicewrightError) -> typer.Exit:
    """Tell the user what is wrong, and give what ends the command."""
    _say(f"Error: {_one_line(str(error))}", "red", stderr=True)
    return typer.Exit(error.exit_code)


def _one_line(sentence: str) -> str:
    """Escape what would break a line or change a terminal, and leave out the middle of a long text.

    A sentence may quote what the user typed, which can be anything.
    """
    shown = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in sentence
    )
    return shown if len(shown) <= LONGEST_SENTENCE else f"{shown[:300]} … {shown[-300:]}"


def _report(project: Project, typed: Path) -> None:
    """Say what was made and what can be done with it."""
    for sentence in project.warnings:
        _say(f"Warning: {sentence}", "yellow", stderr=True)
    stdout = Console(soft_wrap=True, highlight=False)
    name = project.answers.get("project_name", project.path.name)
    where = "this directory" if str(typed) == "." else typed
    _say(f"{name} is in {where}.", "bold green")
    with _told("Interrupted: the service is written."):
        from servicewright import projects  # noqa: PLC0415

        if (proof := projects.proof_of(project)) is not None:
            _say(what_was_proved(proof))
    if project.source.is_repository and project.source.is_of_this_machine:
        _say(
            f"It remembers its template as {project.source.location}, which is on this machine: "
            "on another, `servicewright update --template` names where it is there.",
            "yellow",
        )
    _print_steps(stdout, next_steps(project, typed))
    if command := copier_command(project, typed):
        stdout.print("\nCopier alone makes the same service:", markup=False)
        stdout.print(f"  {command}", style="cyan", markup=False)
