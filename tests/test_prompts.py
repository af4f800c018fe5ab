"""What a terminal shows while ``servicewright new`` asks, and what becomes of the answers."""

from __future__ import annotations

import itertools
import os
import re
import signal
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from commands import command, files, printed_commands, remembered, run
from repositories import commit, git
from terminals import DOWN, ENTER, ESCAPE, INTERRUPT, UP, Terminal

from servicewright import forms, projects, questions, templates
from servicewright.consequences import consequences
from servicewright.interview import tree

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
CLEAR = "\x15"
# The questions that our own template asks of who takes the default answers.
NAMES = list(forms.Form(ROOT, "orders", {}).answers())
ASKED = len(NAMES)
FIRST, SIXTH = f"(1 of {ASKED})", f"(6 of {ASKED})"
# What sets a colour, in the foreground or the background.
COLOUR = re.compile(rb"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[;m]")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def form(template: Path) -> forms.Form:
    """What our own template asks."""
    return forms.Form(template, "orders", {})


def environment(*, colour: bool) -> dict[str, str]:
    """Give the environment of a program that may show colours, or may not."""
    # A shell may say how wide its own terminal is.
    misleading = ("NO_COLOR", "COLUMNS", "LINES")
    variables = {name: value for name, value in os.environ.items() if name not in misleading}
    return variables if colour else {**variables, "NO_COLOR": "1"}


@pytest.mark.parametrize(
    ("columns", "colour"), [(60, "on"), (60, "off"), (100, "on"), (100, "off")]
)
def test_a_service_is_made_by_answering(
    template: Path, place: Path, form: forms.Form, columns: int, colour: str
) -> None:
    closed = {question.name: question for question in form.questions if question.answers}
    new = command("new", "orders", "--template", template)
    with closing(Terminal(new, columns, environment(colour=colour == "on"))) as terminal:
        shown = terminal.see("everything all that there is")
        assert f"{ASKED} questions" in shown
        for promised in ("Enter takes the answer", "Esc goes back", "Nothing is written before"):
            assert promised in shown
        terminal.press(ENTER)
        asked = [question for question in form.questions if question.name in form.answers()]
        for number, question in enumerate(asked, start=1):
            terminal.see(f"({number} of {ASKED}) {question.help}")
            if question.name == "package_name":
                terminal.press(CLEAR, "-x", ENTER)
                terminal.see("package_name takes a-z, 0-9 and single _, a letter first.")
                terminal.press(CLEAR, "shop")
            elif question.name == "framework":
                form.answer(next(q for q in form.questions if q.name == "package_name"), "shop")
                terminal.press(DOWN, ENTER)
                terminal.see("* Which framework? Flask")
                terminal.press(ESCAPE)
                # The answer is marked when one comes back, and its line is gone.
                terminal.see("> Flask")
                assert "* Which framework?" not in terminal.text
                form.answer(question, "flask")
            if question.name in closed:
                for label, brought in zip(
                    question.labels, consequences(form, question).values(), strict=True
                ):
                    terminal.see(" ".join([label, brought]).strip())
            terminal.press(ENTER)
        shown = terminal.see("> Write it to orders")
        assert files(place) == {}, "nothing is written before the end"
        terminal.press(ENTER)
        assert terminal.end() == 0, terminal.text
        assert "Orders is in orders." in terminal.text
        assert bool(COLOUR.search(terminal.raw)) == (colour == "on")

    written = {name for name, held in files(place / "orders").items() if held != b"(folder)"}
    assert f"orders/ with {len(written)} files" in shown
    for line in tree(written, columns):
        assert " ".join(line.split()) in shown
    answers = remembered(place / "orders")
    assert answers["package_name"] == "shop"
    assert answers["framework"] == "flask"
    assert answers["docker"] is True
    # Copier makes the same.
    again = [f"--set={question.name}={answers[question.name]}" for question in asked]
    assert run("new", "again", "--template", template, *again).exit_code == 0
    assert files(place / "again") == files(place / "orders")


def test_an_answer_can_be_changed_at_the_end(template: Path, place: Path) -> None:
    new = command("new", "orders", "--template", template, "--preset", "minimal")
    with closing(Terminal(new, 80)) as terminal:
        for number in range(1, 8):
            terminal.see(f"({number} of 7)")
            terminal.press(ENTER)
        terminal.see("package_name=orders")
        terminal.press(DOWN, ENTER)
        terminal.see("Which one?")
        terminal.press(ENTER)
        terminal.see("> Orders")
        terminal.press(CLEAR, "Big Shop", ENTER)
        # What nobody has changed follows.
        terminal.see("package_name=big_shop")
        terminal.press(DOWN, ENTER)
        terminal.see("> What is the service called? Big Shop")
        # Without a database there is no admin site to be asked for.
        listed = [name for name in NAMES if name != "admin"]
        terminal.press(*[UP] * (len(listed) - listed.index("database")), ENTER)
        terminal.see("None, items live in memory SQLite")
        terminal.press(DOWN, ENTER)
        terminal.see("database=sqlite")
        terminal.press(ESCAPE)
        terminal.see("(7 of 7)")
        terminal.press(ENTER)
        terminal.see("> Write it")
        terminal.press(ENTER)
        assert terminal.end() == 0, terminal.text

    answers = remembered(place / "orders")
    assert answers["package_name"] == "big_shop"
    assert answers["database"] == "sqlite"
    assert answers["docker"] is False


def test_a_preset_is_chosen_first_and_can_be_taken_back(template: Path, place: Path) -> None:
    new = command("new", "orders", "--template", template, "--set", "docker=no")
    with closing(Terminal(new, 80)) as terminal:
        terminal.see(f"> With each of the {ASKED - 1} questions")
        terminal.press(UP, ENTER)
        terminal.see("* How do you want to begin? everything")
        terminal.see("(1 of 7)")
        terminal.press(ESCAPE)
        terminal.see(f"> With each of the {ASKED - 1} questions")
        assert "* How" not in terminal.text
        terminal.press(DOWN, DOWN, ENTER)
        for number in range(1, 8):
            terminal.see(f"({number} of 7)")
            terminal.press(ENTER)
        terminal.see("> Write it")
        terminal.press(ENTER)
        assert terminal.end() == 0, terminal.text

    answers = remembered(place / "orders")
    assert (answers["database"], answers["pages"]) == ("postgresql", False)
    assert answers["docker"] is False, "what is given on the command line comes first"


def test_where_it_is_to_be_is_asked(template: Path, place: Path) -> None:
    (place / "taken").mkdir()
    (place / "taken" / "mine.txt").touch()
    refused = run("new", "--template", template)
    assert refused.exit_code == 2
    assert refused.stderr == "Error: No place for the service: write servicewright new DEST.\n"
    new = command("new", "--template", template, "--preset", "minimal")
    with closing(Terminal(new, 60)) as terminal:
        terminal.see("Where is it to be? > service")
        terminal.press(CLEAR, "taken", ENTER)
        terminal.see("taken is not empty: choose another destination.")
        terminal.press(CLEAR, "shop", ENTER)
        terminal.see("A new service in shop")
        terminal.see("> Shop")
        terminal.press(INTERRUPT)
        assert terminal.end() == 130
    assert files(place).keys() == {"taken", "taken/mine.txt"}


def test_stopping_writes_nothing(template: Path, place: Path) -> None:
    new = command("new", "orders", "--template", template, "--preset", "minimal")
    with closing(Terminal(new, 80)) as terminal:
        for number in range(1, 8):
            terminal.see(f"({number} of 7)")
            terminal.press(ENTER)
        terminal.see("> Write it")
        terminal.press(UP, ENTER)
        assert terminal.end() == 1
        terminal.see("Nothing was written.")
    assert files(place) == {}


@pytest.mark.parametrize("where", ["How do you want", FIRST, SIXTH, "> Write it"])
def test_an_interrupt_writes_nothing(template: Path, place: Path, where: str) -> None:
    with closing(Terminal(command("new", "orders", "--template", template), 80)) as terminal:
        counted = [f"({number} of {ASKED})" for number in range(1, ASKED + 1)]
        for text in ["How do you want", *counted, where]:
            terminal.see(text)
            if text == where:
                terminal.press(INTERRUPT)
                break
            terminal.press(ENTER)
        assert terminal.end() == 130
        terminal.see("Interrupted: nothing was written.")
        assert "Traceback" not in terminal.text
    assert files(place) == {}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("where", ["How do you want", FIRST])
def test_a_signal_writes_nothing(
    template: Path, place: Path, number: signal.Signals, where: str
) -> None:
    with closing(Terminal(command("new", "orders", "--template", template), 80)) as terminal:
        terminal.see("How do you want")
        if where == FIRST:
            terminal.press(ENTER)
            terminal.see(where)
        terminal.program.send_signal(number)
        assert terminal.end() == 128 + number
        terminal.see("Interrupted: nothing was written.")
        assert "Traceback" not in terminal.text
    assert files(place) == {}


@pytest.mark.parametrize("columns", [60, 100])
def test_an_error_is_shown_whole(place: Path, columns: int) -> None:
    (place / "orders").mkdir()
    (place / "orders" / "mine.txt").touch()
    with closing(Terminal(command("new", "orders", "--preset", "minmal"), columns)) as terminal:
        assert terminal.end() == 1
        terminal.see("Error: orders is not empty: choose another destination.")
    wrong = command("new", "shop", "--set", "database=postgres")
    with closing(Terminal(wrong, columns)) as terminal:
        assert terminal.end() == 2
        terminal.see(
            "Error: database must be one of none, sqlite, postgresql, not 'postgres': "
            "did you mean 'postgresql'?"
        )


@pytest.mark.parametrize("columns", [40, 60])
def test_what_a_validator_says_is_shown_whole(template: Path, place: Path, columns: int) -> None:
    with closing(
        Terminal(command("new", place / "orders", "--template", template), columns)
    ) as terminal:
        terminal.see("How do you want")
        terminal.press(ENTER)
        terminal.see(FIRST)
        terminal.press(CLEAR, "a" * 70, ENTER)
        terminal.see("project_name must have at most 60 characters, not 70.")
        assert "Validation error" not in terminal.text
        terminal.press(INTERRUPT)
        assert terminal.end() == 130


def test_what_is_not_understood_is_asked_by_copier(place: Path) -> None:
    template = place / "template"
    template.mkdir()
    (template / "copier.yml").write_text(
        "colours:\n  type: str\n  multiselect: true\n  choices: [red, blue]\n  default: [red]\n"
        "name:\n  type: str\n  validator: \"{{ 'name must be longer.' if name == 'x' }}\"\n"
    )
    (template / "{{ _copier_conf.answers_file }}.jinja").write_text(
        "{{ _copier_answers | to_nice_yaml }}"
    )
    assert forms.fill(template, "orders", {}) is None
    with closing(Terminal(command("new", "orders", "--template", template), 40)) as terminal:
        terminal.see("colours")
        terminal.press(ENTER)
        terminal.see("name")
        terminal.press("x", ENTER)
        terminal.see("name must be longer.")
        assert "Validation error" not in terminal.text
        terminal.press("y", ENTER)
        assert terminal.end() == 0, terminal.text
    assert remembered(place / "orders")["name"] == "xy"


def variants(template: Path) -> Iterator[dict[str, str]]:
    """Give answers that differ in what is asked and written."""
    frameworks = itertools.cycle(["flask", "fastapi"])
    for preset in questions.presets(questions.load(template)):
        yield {
            **{name: questions.word(answer) for name, answer in preset.answers.items()},
            "framework": next(frameworks),
            "project_name": "Big Shop",
        }


def test_the_form_comes_to_what_copier_makes(template: Path, place: Path) -> None:
    listed = questions.read(template)
    for number, given in enumerate(variants(template)):
        folder = f"orders-{number}"
        answers = [f"--set={name}={answer}" for name, answer in given.items()]
        assert run("new", folder, "--template", template, *answers).exit_code == 0
        chosen = questions.parse_answers(listed, given.items())
        form = forms.Form(template, folder, chosen)

        known = remembered(place / folder)
        assert form.answers() == {name: known[name] for name in form.answers()}
        written = files(place / folder)
        # The template's own files about its features are for its extension.
        predicted = {name for name in form.files(form.answers()) if name != "feature.toml"}
        assert predicted == {name for name, held in written.items() if held != b"(folder)"}


def test_conditions_hold_in_the_form(tmp_path: Path) -> None:
    (tmp_path / "copier.yml").write_text(
        "database:\n  type: str\n  choices: [none, sqlite]\n  default: none\n"
        "pool:\n  type: bool\n  default: true\n  when: \"{{ database != 'none' }}\"\n"
        "data:\n  type: yaml\n  default: [{a: 1}]\n"
        "  validator: \"{{ 'data must be a list.' if data is string }}\"\n"
        "silent:\n  type: yaml\n  default: []\n  ask: false\n"
    )
    form = forms.Form(tmp_path, "orders", {})
    database, pool, data, silent = form.questions
    assert form.answers() == {"database": "none", "data": "[{a: 1}]"}
    form.answer(database, "sqlite")
    assert form.answers() == {"database": "sqlite", "pool": True, "data": "[{a: 1}]"}
    form.answer(database, "none")
    form.answer(pool, answer=False)
    form.answer(silent, "[1]")
    assert form.answers() == {"database": "none", "data": "[{a: 1}]", "silent": "[1]"}
    assert form.problem(data, "[]") == ""
    assert form.problem(data, "word") == "data must be a list."
    assert form.problem(data, "[").startswith("data cannot be read: ")


@pytest.mark.parametrize(("ref", "expected"), [(None, "1.10.0"), ("1.9.0", "1.9.0")])
def test_the_questions_are_those_of_the_version_that_is_copied(
    tmp_path: Path, place: Path, ref: str | None, expected: str
) -> None:
    root = tmp_path / "history"
    root.mkdir()
    for tag in ("1.9.0", "1.10.0", "2.0.0rc1"):
        (root / "copier.yml").write_text(f"version:\n  type: str\n  default: {tag}\n")
        commit(root, tag=tag)
    git(root, "bundle", "create", str(place / "template.bundle"), "HEAD", "--tags")

    source = templates.locate("template.bundle", ref)
    with templates.unpacked(source) as directory:
        assert directory is not None
        assert forms.Form(directory, "orders", {}).answers() == {"version": expected}
    assert [question.default for question in projects.questions_of(source)] == [expected]


def test_defaults_of_the_user_are_taken(
    tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "settings.yml"
    settings.write_text(yaml.safe_dump({"defaults": {"database": "postgresql", "pages": True}}))
    monkeypatch.setenv("COPIER_SETTINGS_PATH", str(settings))
    answers = forms.Form(template, "orders", {}).answers()
    assert (answers["database"], answers["pages"]) == ("postgresql", True)


def test_consequences_are_what_the_others_do_not_bring(form: forms.Form) -> None:
    by_name = {question.name: consequences(form, question) for question in form.questions}
    assert by_name["auth"]["none"] == ""
    basic = by_name["auth"]["basic"]
    assert basic.startswith("Routes: GET /whoami. Files: ")
    assert basic.endswith("To be set: BASIC_AUTH_PASSWORD, BASIC_AUTH_USERNAME.")
    assert "Packages: alembic, psycopg, sqlalchemy." in by_name["database"]["postgresql"]
    assert "psycopg" not in by_name["database"]["sqlite"]
    assert by_name["modular"] == {False: "", True: "Files: routes/."}
    assert "kubernetes/, overlays/, Dockerfile and" in by_name["docker"][True]
    assert set(by_name["python_version"].values()) == {""}
    assert by_name["project_name"] == {}


def test_the_tree_names_every_file_once_within_the_columns() -> None:
    names = ["README.md", "src/shop/app.py", "src/shop/routes/a-b.py", "tests/test_app.py"]
    assert tree(names, 60) == [
        "  README.md",
        "  src/shop/",
        "    app.py",
        "  src/shop/routes/",
        "    a-b.py",
        "  tests/",
        "    test_app.py",
    ]
    many = [f"file-{number}.py" for number in range(50)]
    lines = tree(many, 40)
    assert " ".join(lines).split() == sorted(many)
    assert max(map(len, lines)) < 40


# Presets


def test_presets_are_made_of_answers(template: Path) -> None:
    config = questions.load(template)
    by_name = {question.name: question for question in questions.from_config(config)}
    presets = questions.presets(config)
    assert [preset.name for preset in presets] == ["minimal", "api", "web", "everything"]
    for preset in presets:
        assert preset.help
        for name, answer in preset.answers.items():
            assert any(answer is each or answer == each for each in by_name[name].answers or ())
        # Who takes one is asked for names, the version of Python and the framework.
        asked = {"framework": "flask", **preset.answers}
        chosen = {
            name
            for name, question in by_name.items()
            if question.answers and question.condition.holds(asked)
        }
        assert chosen - preset.answers.keys() == {"python_version", "framework"}


def test_everything_is_in_everything(template: Path) -> None:
    config = questions.load(template)
    everything = questions.preset(questions.presets(config), "everything").answers
    for question in questions.from_config(config):
        if question.name in everything:
            assert everything[question.name] not in (False, "none")


def test_a_preset_is_taken_without_a_terminal(template: Path, place: Path) -> None:
    result = run(
        "new", "orders", "--template", template, "--preset", "Minimal", "--set", "database=sqlite"
    )
    assert result.exit_code == 0, result.output
    answers = remembered(place / "orders")
    assert (answers["settings"], answers["database"], answers["docker"]) == (False, "sqlite", False)
    # The command of Copier's names what was chosen, and not what nobody is asked.
    assert "--data database=sqlite" in printed_commands(result.stdout)[-1]
    assert "resources" not in result.stdout
    given = run("new", "bare", "--template", template, "--set", "resources=[]", "--defaults")
    assert "--data 'resources=[]'" in printed_commands(given.stdout)[-1]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("minmal", "There is no preset 'minmal': did you mean 'minimal'?"),
        ("zzz", "There is no preset 'zzz': the presets are minimal, api, web, everything."),
    ],
)
def test_an_unknown_preset_is_refused(template: Path, place: Path, name: str, said: str) -> None:
    result = run("new", "orders", "--template", template, "--preset", name)
    assert (result.exit_code, result.stderr) == (2, f"Error: {said}\n")
    assert files(place) == {}


def test_presets_are_listed() -> None:
    assert "--preset web: HTML pages" in run("questions").stdout
    assert "everything: all that there is" in run("new", "--help").stdout
