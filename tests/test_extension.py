"""Units of the extension that Copier loads: features, requirements, validators, defaults."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
import service
import yaml
from jinja2 import Environment, StrictUndefined
from packaging.requirements import Requirement
from repositories import git

from servicewright.variants import variants

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def config(template: Path) -> dict[str, Any]:
    """Read copier.yml."""
    loaded = yaml.safe_load((template / "copier.yml").read_text())
    assert isinstance(loaded, dict)
    return loaded


def answering(**answers: Any) -> dict[str, Any]:
    """Give all answers: those of the fallback, but for some."""
    assert set(answers) <= set(service.FALLBACK)
    return {**service.FALLBACK, **answers}


# Features


def test_the_fallback_answers_every_question_with_an_answer_it_takes(
    config: dict[str, Any],
) -> None:
    asked = {name: details for name, details in config.items() if not name.startswith("_")}
    assert set(service.FALLBACK) == set(asked)
    for name, details in asked.items():
        answer = service.FALLBACK[name]
        choices = details.get("choices")
        if choices:
            assert answer in (choices.values() if isinstance(choices, dict) else choices)
        else:
            assert type(answer).__name__ == details["type"]


# What each answer switches on, of the features that hang on its question.
SWITCHED_ON: dict[str, dict[Any, set[str]]] = {
    "framework": {"fastapi": {"fastapi"}, "flask": {"flask"}},
    "settings": {True: {"settings"}, False: set()},
    "pages": {True: {"pages"}, False: {"json_home"}},
    "background_tasks": {"none": set(), "in_process": {"background_tasks"}},
    "database": {
        "none": {"in_memory"},
        "sqlite": {"database", "sqlite"},
        "postgresql": {"database", "postgresql"},
    },
    "auth": {"none": set(), "basic": {"basic_auth"}},
    "cors": {True: {"cors"}, False: set()},
    "modular": {True: {"modular"}, False: {"single_module"}},
    "docker": {True: {"docker"}, False: set()},
}


HANGING_ON_TWO = {"keeps_files", "scales"}


@pytest.mark.parametrize("question", SWITCHED_ON)
def test_an_answer_switches_its_own_features_and_no_other(
    question: str,
) -> None:
    switched_on = SWITCHED_ON[question]
    own = set().union(*switched_on.values())
    others = set()
    for answer, expected in switched_on.items():
        features = service.features(answering(**{question: answer}))
        assert {name for name in own if features[name]} == expected
        hanging_on_one = set(features) - own - HANGING_ON_TWO
        others.add(frozenset(name for name in hanging_on_one if features[name]))
    assert len(others) == 1


@pytest.mark.parametrize(
    ("database", "tasks", "expected"),
    [
        ("none", "none", set()),
        ("none", "in_process", {"keeps_files"}),
        ("sqlite", "none", {"keeps_files"}),
        ("sqlite", "in_process", {"keeps_files"}),
        ("postgresql", "none", {"scales"}),
        ("postgresql", "in_process", {"keeps_files"}),
    ],
)
def test_where_data_is_kept_tells_whether_many_can_run(
    database: str, tasks: str, expected: set[str]
) -> None:
    features = service.features(answering(database=database, background_tasks=tasks))

    assert {name for name in HANGING_ON_TWO if features[name]} == expected


def test_the_features_of_every_closed_question_are_tested_here(template: Path) -> None:
    tested = {question: set(switched_on) for question, switched_on in SWITCHED_ON.items()}
    found: dict[str, set[Any]] = {}
    for variant in variants(template):
        for question, answer in variant.answers.items():
            found.setdefault(question, set()).add(answer)
    assert tested == found


def test_every_folder_and_condition_of_the_template_is_a_feature(template: Path) -> None:
    known = set(service.features(service.FALLBACK))
    used = set()
    for path in (template / "template").rglob("*"):
        text = path.relative_to(template).as_posix()
        if path.is_file():
            text += path.read_text(encoding="utf-8", errors="ignore")
        used |= set(re.findall(r"\bwhen\.(\w+)", text))
    assert "fastapi" in used
    assert used <= known


# Requirements


def names(requirements: list[str]) -> list[str]:
    """Give the names of packages alone."""
    return [Requirement(requirement).name for requirement in requirements]


def test_requirements_are_those_of_the_features() -> None:
    plain = service.features(answering(framework="flask", settings=False))
    assert names(service.requirements(plain, development=False)) == [
        "flask",
        "werkzeug",
        "pydantic",
    ]
    full = service.features(answering(framework="fastapi", settings=True, database="postgresql"))
    assert {"fastapi", "uvicorn", "pydantic-settings", "sqlalchemy", "alembic", "psycopg"} <= set(
        names(service.requirements(full, development=False))
    )
    assert "fastapi-cli" in names(service.requirements(full, development=True))
    assert "fastapi-cli" not in names(service.requirements(plain, development=True))


def test_no_requirement_is_listed_twice_and_the_last_is_always_there(template: Path) -> None:
    for variant in variants(template):
        features = service.features(answering(**variant.answers))
        for development in (False, True):
            listed = names(service.requirements(features, development=development))
            assert len(set(listed)) == len(listed)
            # What a user adds at the end is never next to a line that an answer changes.
            assert listed[-1] == ("ruff" if development else "pydantic")


def test_every_requirement_is_bounded_and_needs_features_that_exist() -> None:
    known = set(service.features(service.FALLBACK))
    for dependency in service.DEPENDENCIES:
        operators = {spec.operator for spec in Requirement(dependency.requirement).specifier}
        assert operators == {">=", "<"}, dependency
        assert set(dependency.needed_by) <= known


def test_runtime_and_development_requirements_are_sorted_but_for_the_last() -> None:
    for development in (False, True):
        table = names(
            [
                dependency.requirement
                for dependency in service.DEPENDENCIES
                if dependency.development == development
            ]
        )
        assert table[:-1] == sorted(table[:-1])


# Validators


@pytest.mark.parametrize(
    "name", ["orders", "a", "web_shop", "x1", "a" * 50, "service", "api_v2", "jsonb"]
)
def test_package_names_that_can_be(name: str) -> None:
    assert service.problem(package_name=name) == ""


# In columns. A prompt shows of what is wrong what fits the line, and a terminal may be narrow.
NARROW = 60


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "a-z, 0-9"),
        ("1st", "a letter first"),
        ("Orders", "a-z, 0-9"),
        ("web-shop", "a-z, 0-9 and single _"),
        ("web shop", "a-z, 0-9"),
        ("_orders", "a letter first"),
        ("orders_", "must not end with an underscore"),
        ("web__shop", "single _"),
        ("a" * 51, "at most 50 characters, not 51"),
        ("bücher", "a-z, 0-9"),
        ("orders\n", "a-z, 0-9"),
        ("class", "a keyword of Python"),
        ("match", "a keyword of Python"),
        ("json", "a module of Python's library"),
        ("test", "a package the service needs"),
        ("fastapi", "a package the service needs"),
        ("flask", "a package the service needs"),
        ("sqlalchemy", "a package the service needs"),
        ("tests", "a package the service needs"),
        ("conftest", "a package the service needs"),
        ("markdown_it_py", "a package the service needs"),
        ("pyyaml", "a package the service needs"),
        ("pg_shop", "one that PostgreSQL reserves"),
        ("postgres", "one that PostgreSQL reserves"),
    ],
)
def test_package_names_that_cannot_be(name: str, said: str) -> None:
    problem = service.problem(package_name=name)
    assert said in problem
    assert problem.startswith("package_name ")
    assert problem.endswith(".")
    assert len(problem) <= NARROW


def test_no_package_is_named_like_one_that_the_project_requires() -> None:
    for dependency in service.DEPENDENCIES:
        name = Requirement(dependency.requirement).name
        if not name.startswith("types-"):
            assert service.problem(package_name=name.replace("-", "_")), name


@pytest.mark.parametrize("question", ["project_name", "description", "author_name"])
@pytest.mark.parametrize(
    "text",
    ["Web Shop", "Bücher & Söhne", "it's", 'a "b"', "注文", "a: b # c", "100 %", "{x}", "<b>"],
)
def test_texts_that_can_be(question: str, text: str) -> None:
    assert service.problem(**{question: text}) == ""


@pytest.mark.parametrize("question", ["project_name", "description", "author_name"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (" x", "must not start or end with white space"),
        ("x ", "must not start or end with white space"),
        ("a\nb", "one line without control characters"),
        ("a\x00b", "one line without control characters"),
        ("a\u2028b", "one line without control characters"),
        ("a\u202eb", "one line without control characters"),
        ("a\\b", "must not contain \\, [["),
        ("[[ x ]]", "must not contain"),
        ("{{ x }}", "must not contain"),
        ("{% x %}", "must not contain"),
        ("x" * 201, "must have at most"),
    ],
)
def test_texts_that_cannot_be(question: str, text: str, said: str) -> None:
    problem = service.problem(**{question: text})
    assert said in problem
    assert problem.startswith(f"{question} ")
    assert problem.endswith(".")
    assert len(problem) <= NARROW


def test_who_writes_it_may_stay_open_but_not_what_it_is() -> None:
    assert service.problem(author_name="") == ""
    assert service.problem(author_email="") == ""
    assert service.problem(project_name="") == "project_name must not be empty."
    assert service.problem(description=" ") == "description must not be empty."


@pytest.mark.parametrize("address", ["me@example.com", "a.b+c@d-e.org"])
def test_addresses_that_can_be(address: str) -> None:
    assert service.problem(author_email=address) == ""


@pytest.mark.parametrize("address", ["me", "@x", "a@", "a b@c", "a@b@c", '"a"@b', "a@b\n", "<a@b>"])
def test_addresses_that_cannot_be(address: str) -> None:
    problem = service.problem(author_email=address)
    assert "must look like name@example.com" in problem
    assert len(problem) <= NARROW


# Defaults


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Web Shop", "web_shop"),
        ("  web--shop!! ", "web_shop"),
        ("Bücher", "bucher"),
        ("3 Amigos", "service_3_amigos"),
        ("PG Shop", "service_pg_shop"),
        ("PyYAML", "pyyaml_service"),
        ("注文", "service"),
        ("", "service"),
    ],
)
def test_slugs(text: str, expected: str) -> None:
    assert service.slug(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Web Shop",
        "注文",
        "",
        "1" * 60,
        "x" * 60,
        "a" * 49 + " b",
        "Test",
        "Json",
        "class",
        "FastAPI",
    ],
)
def test_a_default_package_name_is_never_refused(text: str) -> None:
    name = service.Defaults({"project_name": text}).package_name
    assert service.problem(package_name=name) == "", name


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("web-shop", "Web Shop"),
        ("orders_v2", "Orders V2"),
        ("myAPI", "MyAPI"),
        ("bücher", "Bücher"),
    ],
)
def test_a_project_is_called_like_its_folder(folder: str, expected: str) -> None:
    assert service.Defaults({"_folder_name": folder}).project_name == expected


@pytest.mark.parametrize("folder", ["", "___", "...", "x" * 100, "a\nb", "a\u202eb"])
def test_a_default_project_name_is_never_refused(folder: str) -> None:
    name = service.Defaults({"_folder_name": folder}).project_name
    assert service.problem(project_name=name) == "", name


def test_the_author_is_who_git_says() -> None:
    defaults = service.Defaults({})
    assert defaults.author_name == "Robin Example"
    assert defaults.author_email == "robin@example.com"


def test_an_author_that_would_be_refused_is_no_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init")
    git(tmp_path, "config", "user.name", "[[ x ]]")
    git(tmp_path, "config", "user.email", "me")
    monkeypatch.chdir(tmp_path)
    assert service.git_config("user.email") == "me"
    assert service.Defaults({}).author_name == ""
    assert service.Defaults({}).author_email == ""


def test_without_git_the_author_stays_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert service.Defaults({}).author_name == ""


def test_the_python_that_runs_is_the_lowest_supported_version_if_it_is_listed(
    monkeypatch: pytest.MonkeyPatch, config: dict[str, Any]
) -> None:
    assert list(service.PYTHON_VERSIONS) == config["python_version"]["choices"]
    defaults = service.Defaults({})
    assert defaults.python_version == f"{sys.version_info.major}.{sys.version_info.minor}"
    monkeypatch.setattr(service, "PYTHON_VERSIONS", ("2.7",))
    assert defaults.python_version == "2.7"


# Quoting


@pytest.mark.parametrize(
    "text", ["plain", "it's", 'say "hi"', """it's "both" """, "Bücher 注文", "a # b", "{x} %s $y"]
)
def test_strings_read_as_the_text(text: str) -> None:
    assert ast.literal_eval(service.python_string(text)) == text
    assert tomllib.loads(f"x = {service.toml_string(text)}") == {"x": text}


@pytest.mark.parametrize(
    ("text", "string"),
    [
        ("it's", '"it\'s"'),
        ('say "hi"', "'say \"hi\"'"),
        ("""it's "both" """, """'it\\'s "both" '"""),
    ],
)
def test_python_strings_have_the_quotes_that_need_fewer_backslashes(text: str, string: str) -> None:
    assert service.python_string(text) == string


# The hook


@pytest.fixture
def environment() -> Environment:
    """Make an environment as Copier does."""
    return Environment(extensions=[service.ServiceContext], undefined=StrictUndefined)  # noqa: S701


def test_templates_see_features_requirements_and_defaults(environment: Environment) -> None:
    template = environment.from_string(
        "{{ when.flask }}|{{ when.fastapi }}|{{ dependencies | join(' ') }}|"
        "{{ development_dependencies | length > 0 }}|{{ defaults.package_name }}|"
        "{{ problem(package_name='x y') != '' }}|{{ project_name | python_string }}"
    )
    text = template.render(
        **answering(framework="flask", settings=False, project_name="Web Shop"), _copier_conf={}
    )
    assert text.startswith(".||flask")
    assert text.endswith('|True|web_shop|True|"Web Shop"')


def test_each_rendering_has_its_own_answers(environment: Environment) -> None:
    # What Copier passes is whatever a file of answers holds, before it is checked.
    given: list[object] = ["flask", "fastapi", "flask", ["flask"], {}]

    # A template of its own each time, as Copier makes them, of a text that was compiled before.
    found = [
        environment.from_string("{{ when.flask }}|{{ when.fastapi }}").render(
            _copier_conf={}, framework=framework
        )
        for framework in given
    ]

    assert found == [".|", "|.", ".|", "|", "|"]


def test_questions_that_an_older_template_did_not_ask_have_answers(
    environment: Environment,
) -> None:
    template = environment.from_string("{{ when.fastapi }}{{ when.docker }}")
    assert template.render(_copier_conf={}) == "."
    assert template.render(_copier_conf={}, docker=True) == ".."
