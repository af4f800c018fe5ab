"""Every variant is well formed, linted, typed, and holds just what was asked for."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest
import service
import yaml

from matrix import static
from matrix.covering import small_set
from matrix.plugin import CACHE, ROOT
from matrix.rendering import PACKAGE
from matrix.report import LOOKED_AT
from matrix.words import misplaced
from servicewright.variants import variants

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from contract.services import Services

    from matrix.environments import Environments
    from matrix.rendering import Renderer, Tree

# The files that may differ between variants that differ in nothing but the framework.
OF_THE_FRAMEWORK = (
    # The answers, what is declared, how it is started and the words for it.
    ".copier-answers.yml",
    ".devcontainer/devcontainer.json",
    ".env.example",
    "AGENTS.md",
    "README.md",
    "compose.yaml",
    "gunicorn.conf.py",
    "pyproject.toml",
    f"src/{PACKAGE}/main.py",
    "tests/clients.py",
    "tests/test_background.py",
    "tests/test_own_commands.py",
    "tests/test_admin_site.py",
    "tests/test_authentication.py",
    "tests/test_guard.py",
    "tests/test_job_context.py",
    "tests/test_own_parts.py",
    "tests/test_development.py",
    "tests/test_proxies.py",
    "tests/test_request_telemetry.py",
    "tests/test_sessions.py",
    "tests/test_typed_views.py",
    # The edge.
    "wsgi.py",
    f"src/{PACKAGE}/admin_site.py",
    f"src/{PACKAGE}/admission.py",
    f"src/{PACKAGE}/app.py",
    f"src/{PACKAGE}/authentication.py",
    f"src/{PACKAGE}/background.py",
    f"src/{PACKAGE}/bodies.py",
    f"src/{PACKAGE}/cors.py",
    f"src/{PACKAGE}/custom.py",
    f"src/{PACKAGE}/dependencies.py",
    f"src/{PACKAGE}/docs.py",
    f"src/{PACKAGE}/errors.py",
    f"src/{PACKAGE}/middleware.py",
    f"src/{PACKAGE}/openapi.py",
    f"src/{PACKAGE}/proxies.py",
    f"src/{PACKAGE}/request_telemetry.py",
    f"src/{PACKAGE}/routes/account.py",
    f"src/{PACKAGE}/routes/health.py",
    f"src/{PACKAGE}/routes/home.py",
    f"src/{PACKAGE}/routes/items.py",
    f"src/{PACKAGE}/routes/login.py",
    f"src/{PACKAGE}/routes/metrics.py",
    f"src/{PACKAGE}/routes/pages.py",
    f"src/{PACKAGE}/routes/uploads.py",
    f"src/{PACKAGE}/routing.py",
    f"src/{PACKAGE}/sessions.py",
    # Flask's threads are set.
    f"src/{PACKAGE}/settings.py",
    f"src/{PACKAGE}/templating.py",
)


# In a default run those that stand for all, which are all while there are not too many.
@pytest.fixture(
    scope="session",
    params=[
        pytest.param(False, id="standing"),
        pytest.param(True, id="all", marks=pytest.mark.exhaustive),
    ],
)
def trees(
    request: pytest.FixtureRequest, renderer: Renderer, pytestconfig: pytest.Config
) -> list[Tree]:
    """The variants, rendered."""
    return renderer.all(pytestconfig.getoption("shard") if request.param else None)


@pytest.fixture(scope="session")
def everything(trees: list[Tree], environments: Environments) -> Path:
    """An environment with what any variant declares."""
    return environments.get(sorted({need for tree in trees for need in tree.requirements}))


def nothing_in(findings: list[str]) -> None:
    """Fail with the first findings when there are any."""
    if findings:
        text = "\n".join(findings[:20])
        pytest.fail(f"{len(findings)} findings, the first of them:\n{text}", pytrace=False)


def test_every_variant_is_rendered(
    trees: list[Tree], renderer: Renderer, record_property: Callable[[str, object], None]
) -> None:
    record_property(LOOKED_AT, str(renderer.standing))
    for tree in trees:
        remembered = yaml.safe_load(tree.files[".copier-answers.yml"])
        answers = tree.variant.answers
        assert {name: remembered[name] for name in answers} == dict(answers)
        assert remembered["package_name"] == PACKAGE


def test_types(
    trees: list[Tree],
    everything: Path,
    renderer: Renderer,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    configuration = trees[0].pyproject["tool"]["mypy"]
    assert configuration["strict"] is True
    assert all(tree.pyproject["tool"]["mypy"] == configuration for tree in trees)

    # Each file in each of its forms, those of very many forms where any three answers meet; with
    # all that it imports where any two meet. A proof takes that for all variants, and so does this
    # when all are read.
    if request.node.callspec.id == "all":
        chosen = static.covering(trees)
    else:
        few, more = (
            [renderer.tree(variant.id) for variant in small_set(variants(ROOT), number)]
            for number in (2, 3)
        )
        chosen = static.each_form(
            [*few, *more, *trees], *({tree.variant.id for tree in some} for some in (few, more))
        )

    nothing_in(static.wrong_types(chosen, everything, tmp_path, CACHE / "mypy"))


def test_lint(trees: list[Tree]) -> None:
    nothing_in(static.lint(trees, "check", "--output-format=concise"))


def test_format(trees: list[Tree]) -> None:
    nothing_in(static.lint(trees, "format", "--check"))


def test_syntax(trees: list[Tree]) -> None:
    nothing_in(static.each_file_once(trees, static.syntax))


def test_images(trees: list[Tree], tmp_path: Path) -> None:
    nothing_in(static.hadolint(trees, tmp_path))


def test_layout(trees: list[Tree]) -> None:
    nothing_in(static.each_file_once(trees, static.layout))
    nothing_in(static.empty_directories(trees))


def test_dependencies(trees: list[Tree], everything: Path) -> None:
    nothing_in(static.wrong_dependencies(trees, static.installed_with(everything)))


def test_no_package_can_be_named_like_one_that_comes_along(everything: Path) -> None:
    modules = {name for name in static.installed_with(everything) if not name.startswith("_")}

    assert {name for name in modules if name.isidentifier()} <= service.TAKEN


def test_variables(trees: list[Tree]) -> None:
    nothing_in(static.wrong_variables(trees))


def test_frameworks_share_what_knows_neither(trees: list[Tree]) -> None:
    nothing_in(static.differences_between_frameworks(trees, OF_THE_FRAMEWORK))


@pytest.mark.parametrize("auth", ["basic", "jwt"])
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_most_of_a_service_with_all_features_knows_no_framework(
    services: Services, database: str, auth: str
) -> None:
    flask, fastapi = (
        services.tree(framework, database=database, auth=auth) for framework in ("flask", "fastapi")
    )

    assert static.share_of_common_lines(flask, fastapi) >= 2 / 3
    assert static.share_of_common_lines(fastapi, flask) >= 2 / 3


def test_no_file_is_called_different_without_need(trees: list[Tree]) -> None:
    different = static.differences_between_frameworks(trees, ())

    for path in OF_THE_FRAMEWORK:
        assert any(f": {path}: " in finding for finding in different), path


def test_all_of_a_suite_is_in_its_folder(trees: list[Tree]) -> None:
    # Suites are run as if nothing that pytest reads stood above it (see suite_server.py).
    assert not [
        f"{tree.variant.id}: {path}"
        for tree in trees
        for path in tree.files
        if path.endswith("conftest.py") and not path.startswith("tests/")
    ]


def test_features_that_are_off_leave_no_word(trees: list[Tree]) -> None:
    nothing_in(misplaced(trees))


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "template").rglob("*.py")),
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_files_of_the_template_are_python_as_they_stand(path: Path) -> None:
    ast.parse(path.read_text())
