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
from matrix.covering import sample
from matrix.rendering import render
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
    """Give the answers that switch on as little as can be, but for some."""
    assert set(answers) <= {*service.QUESTIONS, "project_name"}
    plain = {"framework": "fastapi", "database": "none", "pages": False, "modular": True}
    return {**plain, **answers}


# Features


def test_a_feature_hangs_on_answers_that_can_be_given(config: dict[str, Any]) -> None:
    for ways in service.WHEN.values():
        for way in ways:
            for question, allowed in way.items():
                # Of resources, it matters whether there are any, and the items among them.
                choices = config.get(question, {}).get("choices", [False, True])
                assert question in {*config, "items", "others"}
                known = choices.values() if isinstance(choices, dict) else choices
                assert allowed
                assert set(allowed) <= set(known), question


def test_every_feature_is_on_in_some_variants_and_off_in_others(template: Path) -> None:
    switched = [
        service.features({**variant.answers, "resources": kept, "others": others})
        for variant in sample(variants(template), 1000)
        for kept, others in ((["item"], True), ([], False))
    ]
    for name in service.WHEN:
        assert {features[name] for features in switched} == {False, True}, name


def test_every_answer_that_is_something_switches_a_feature(template: Path) -> None:
    for question, answers in variants(template).values().items():
        hanging = [
            frozenset(
                name
                for name, ways in service.WHEN.items()
                if any(answer in way.get(question, ()) for way in ways)
            )
            for answer in answers
        ]
        assert len(set(hanging)) == len(answers), question


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"database": "none"}, {"in_memory"}),
        ({"database": "sqlite"}, {"database", "sqlite", "keeps_files"}),
        ({"database": "postgresql"}, {"database", "postgresql", "scales"}),
        (
            {"database": "postgresql", "background_tasks": "in_process", "storage": "directory"},
            {
                *("database", "postgresql", "background_tasks", "in_process"),
                *("file_storage", "keeps_files"),
            },
        ),
        (
            {"database": "postgresql", "background_tasks": "celery", "storage": "directory"},
            {
                *("database", "postgresql", "background_tasks", "celery", "file_storage"),
                *("keeps_files", "scales", "workers_apart"),
            },
        ),
        (
            {"database": "postgresql", "background_tasks": "celery", "storage": "object"},
            {
                *("database", "postgresql", "background_tasks", "celery", "object_storage"),
                *("scales", "workers_apart"),
            },
        ),
        (
            {"database": "postgresql", "background_tasks": "in_process", "storage": "object"},
            {
                *("database", "postgresql", "background_tasks", "in_process"),
                *("object_storage", "scales"),
            },
        ),
        # What is not asked for has an answer, which is about nothing.
        ({"database": "none", "background_tasks": "none", "storage": "object"}, {"in_memory"}),
        (
            {"pages": True, "database": "none"},
            {"pages", "items_page", "fastapi_forms", "in_memory"},
        ),
    ],
)
def test_what_answers_switch_on(answers: dict[str, Any], expected: set[str]) -> None:
    features = service.features(answering(background_tasks="none") | answers)

    usual = {"fastapi", "modular", "resources"} | (
        {"json_home"} if "pages" not in answers else set()
    )
    assert {name for name, on in features.items() if on} == usual | expected


def test_each_folder_says_what_its_feature_is(template: Path) -> None:
    folders = {path.name for path in (template / "template").iterdir() if "when." in path.name}
    described = {feature.name for feature in service.FEATURES}

    assert {f"[[ when.{name} ]]" for name in described if name} == folders
    for feature in service.FEATURES:
        assert not feature.name or feature.name in feature.about["when"]
    names = [name for feature in service.FEATURES for name in feature.about["when"]]
    assert len(set(names)) == len(names)


# What a feature.toml may say; the names under the tables are those of other features.
SAID = {
    "order": int,
    "modules": str,
    "joints": dict,
    "requests": list,
    "when": dict,
    "requirements": dict,
    "development": dict,
    "unimported": dict,
    "words": dict,
    "variables": list,
    "tables": dict,
}


@pytest.mark.parametrize("feature", service.FEATURES, ids=lambda feature: feature.name or "every")
def test_all_that_a_feature_says_is_understood(feature: service.Feature) -> None:
    assert feature.about.keys() <= SAID.keys()
    for key, said in feature.about.items():
        assert isinstance(said, SAID[key]), key
    others = {*service.WHEN, "always"}
    assert feature.about.get("words", {}).keys() <= others
    for key in ("requirements", "development"):
        assert feature.about.get(key, {}).keys() <= (others if feature.name else {*others, "last"})
    if tables := feature.about.get("tables"):
        assert tables.keys() == {"first", "words", "create", "drop"}
    for variable in feature.about.get("variables", []):
        assert variable.keys() <= {"name", "meaning", "default", "example", "with"}
        assert variable.get("with", "always") in others
        assert not variable["meaning"].endswith(".")
    needed = {
        service.distribution(item)
        for key in ("requirements", "development")
        for items in feature.about.get(key, {}).values()
        for item in items
    }
    assert feature.about.get("unimported", {}).keys() <= needed


def test_what_a_folder_says_is_not_copied(template: Path, tmp_path: Path) -> None:
    render(template, tmp_path / "project", {})

    assert list((template / "template").rglob("feature.toml"))
    assert not list((tmp_path / "project").rglob("feature.toml"))


def test_every_folder_and_condition_of_the_template_is_a_feature(template: Path) -> None:
    known = set(service.WHEN)
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
    for variant in sample(variants(template), 1000):
        features = service.features(variant.answers)
        for development in (False, True):
            listed = names(service.requirements(features, development=development))
            assert len(set(listed)) == len(listed)
            # What a user adds at the end is never next to a line that an answer changes.
            assert listed[-1] == ("ruff" if development else "pydantic")


def every_requirement() -> list[str]:
    """List what any service needs."""
    return [
        item
        for feature in service.FEATURES
        for key in ("requirements", "development")
        for items in feature.about.get(key, {}).values()
        for item in items
    ]


def test_every_requirement_is_bounded() -> None:
    for requirement in every_requirement():
        operators = {spec.operator for spec in Requirement(requirement).specifier}
        assert operators == {">=", "<"}, requirement


def test_requirements_are_sorted_but_for_the_last(template: Path) -> None:
    for variant in sample(variants(template), 1000):
        for development in (False, True):
            on = service.features(variant.answers)
            listed = names(service.requirements(on, development=development))
            assert listed[:-1] == sorted(listed[:-1])


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
    for requirement in every_requirement():
        name = Requirement(requirement).name
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


# Routes


def test_routes_are_those_of_the_framework_and_the_features() -> None:
    on = service.features(answering(framework="flask", pages=True, auth="basic", modular=False))
    routes = service.routes(on)

    assert sorted(routes) == ["account", "health", "pages", "resources"]
    for name, file in routes.items():
        assert "[[ when.flask ]]" in file
        assert (service.TEMPLATE.parent / file).is_file()
        assert name == "resources" or file.endswith(f"/{name}.py")


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


def test_a_question_without_an_answer_switches_nothing_on(environment: Environment) -> None:
    template = environment.from_string("{{ when.fastapi }}|{{ when.docker }}|{{ dependencies }}")
    assert template.render(_copier_conf={}) == "||['pydantic>=2.14,<3']"
    assert template.render(_copier_conf={}, docker=True).startswith("|.|['gunicorn")
