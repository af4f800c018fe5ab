"""Whatever is answered: a sentence that says what is wrong, or a service that works."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from commands import refusal, run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matrix import static
from matrix.rendering import Tree

from servicewright.variants import Variant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from matrix.environments import Environments
    from matrix.suites import Runner
    from typer.testing import Result

FEW, MANY = 12, 300

# What can stand in an answer, but means something in a file that holds it.
ODD = (
    *("'", '"', '"""', "'''", "`", "$HOME", "$(id)", "%s", "{x}", "{0}", "[x]", "*a*", "!"),
    *("/", "../..", "~", ".", "-", "--help", "_", "@", "#", ":", ": x", "- x", "|", ">", "&a", ","),
    *("yes", "no", "null", "1", "1e3", "0x1F", "2024-01-01", "!!map", "*a", "? x", "PACKAGE"),
    *("</title>", "<script>", "&amp;", "-->", "]", "http://x", "import os", "</"),
    *("🪑", "e\u0301", "ש", "注文", "ﬁ", "İ", "ß", "x" * 50, "json", "class", "fastapi", "clients"),
)
# What can not.
REFUSED = (
    *("\\", "\\n", "C:\\", "\n", "\r\n", "\t", "\0", "\x1b[31m", "\x7f", "\x85", "\u2028"),
    *("#{% if when.flask %}", "#{% endif %}", "#{# x #}", "[[ package_name ]]", "[[", "]]"),
    *("{{ x }}", "{%", "%}", "\ufeff", "\u202e", "👩\u200d🚀", "\ud800", " ", "\xa0", "\u3000", ""),
    *("x" * 61, "x " * 100, "x" * 201, "x" * 10_000),
)
VISIBLE = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=3)
ODD_TEXTS = st.lists(st.sampled_from(ODD) | VISIBLE, min_size=1, max_size=4).map(" ".join)
ANY_TEXTS = st.one_of(
    ODD_TEXTS,
    st.tuples(ODD_TEXTS, st.sampled_from(REFUSED), ODD_TEXTS).map("".join),
    st.sampled_from(REFUSED),
    st.text(max_size=70),
)
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True)
TYPICAL = {
    "project_name": "Web Shop",
    "package_name": "web_shop",
    "description": "It sells.",
    "author_name": "Robin Example",
    "author_email": "robin@example.com",
}
FREE_TEXTS = ("project_name", "description", "author_name")
ANSWERS = st.one_of(
    # Most of these can be answered.
    st.fixed_dictionaries({**dict.fromkeys(FREE_TEXTS, ODD_TEXTS), "package_name": NAMES}),
    st.fixed_dictionaries(dict.fromkeys(FREE_TEXTS, ODD_TEXTS)),
    # Few of these. They come one by one, so that one that is refused hides no other.
    st.tuples(st.sampled_from(list(TYPICAL)), ANY_TEXTS).map(lambda pair: dict([pair])),
    st.tuples(VISIBLE, ANY_TEXTS).map(lambda pair: {"author_email": "@".join(pair)}),
)
FEATURES: dict[str, str | bool] = {
    "settings": True,
    "pages": True,
    "background_tasks": "none",
    "database": "none",
    "auth": "none",
    "cors": False,
    "docker": True,
}
ASSIGNMENTS = st.one_of(
    st.tuples(
        st.sampled_from([*TYPICAL, *FEATURES, "framework", "python_version", "colour", ""])
        | ANY_TEXTS,
        st.sampled_from(["", "=", "=="]),
        ANY_TEXTS,
    ).map("".join),
    ANY_TEXTS,
)


def examples(count: int) -> settings:
    """Try so many examples: few are the same in every run, many are new ones each time."""
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=count < MANY,
        # What the functions are given besides the examples is the same for all of them.
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        print_blob=True,
    )


def check_refusal(result: Result, place: Path) -> None:
    """Expect one sentence and nothing written."""
    assert result.exit_code in {1, 2}, result.output
    refusal(result, result.exit_code)
    assert list(place.iterdir()) == []


def check_project(tree: Tree, answers: Mapping[str, str]) -> None:
    """Expect files that are well formed, and that hold the answers as they were given."""
    remembered = yaml.safe_load(tree.files[".copier-answers.yml"])
    assert {name: remembered[name] for name in answers} == answers
    project = tree.pyproject["project"]
    assert project["description"] == answers["description"]
    for author in project.get("authors", []):
        assert author.get("name", "") == answers["author_name"]
        assert author.get("email", "") == answers["author_email"]
    for path, content in tree.files.items():
        assert [*static.syntax(path, content.decode())] == [], path
    assert static.ruff("check", "--output-format=concise", tree.path) == ""
    assert static.ruff("format", "--check", tree.path) == ""


def check_answers(  # noqa: PLR0913, PLR0917 - four of them are fixtures
    answers: dict[str, str],
    framework: str,
    template: Path,
    environments: Environments,
    runner: Runner,
    scratch: Path,
) -> bool:
    """Make a service with these answers; say whether they were accepted."""
    given_answers = TYPICAL | answers
    features = FEATURES | {"framework": framework}
    with tempfile.TemporaryDirectory(dir=scratch) as directory:
        project = Path(directory) / "project"
        result = run(
            *("new", project, "--template", template),
            *(f"--set={name}={answer}" for name, answer in {**features, **given_answers}.items()),
        )
        if result.exit_code:
            check_refusal(result, project.parent)
            return False
        tree = Tree(Variant("hostile", {}), project)
        check_project(tree, given_answers)
        suite = runner.run(project, environments.get(tree.requirements))
        assert suite.problems == [], suite.log
        return True


# Texts go into the same files whatever the framework is, but for a few.
@pytest.mark.parametrize(
    ("framework", "count"),
    [
        ("fastapi", FEW),
        pytest.param("flask", FEW, marks=pytest.mark.thorough),
        pytest.param("fastapi", MANY, marks=pytest.mark.thorough),
        pytest.param("flask", MANY, marks=pytest.mark.thorough),
    ],
)
def test_any_answers(  # noqa: PLR0913, PLR0917 - each is a fixture
    framework: str,
    count: int,
    template: Path,
    environments: Environments,
    runner: Runner,
    scratch: Path,
    record_property: Callable[[str, object], None],
) -> None:
    outcomes = []

    @examples(count)
    @given(ANSWERS)
    def check(answers: dict[str, str]) -> None:
        outcomes.append(check_answers(answers, framework, template, environments, runner, scratch))

    check()

    record_property("accepted", f"{sum(outcomes)} of {len(outcomes)}")
    # Were all refused, or all accepted, most would have been tested of nothing.
    assert 0.1 < sum(outcomes) / len(outcomes) < 0.9


@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.thorough)])
def test_any_arguments_of_set(count: int, template: Path, scratch: Path) -> None:
    @examples(count)
    @given(st.lists(ASSIGNMENTS, min_size=1, max_size=3))
    def check(assignments: list[str]) -> None:
        with tempfile.TemporaryDirectory(dir=scratch) as directory:
            project = Path(directory) / "project"
            result = run(
                *("new", project, "--template", template),
                *(f"--set={assignment}" for assignment in assignments),
            )
            if result.exit_code:
                check_refusal(result, project.parent)
            else:
                assert (project / "pyproject.toml").is_file()

    check()
