"""Every recipe of the cookbook works as it says, in services of both frameworks."""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from contract.services import ALL_FEATURES, change
from matrix.plugin import CACHE, ROOT
from matrix.test_covering import covering

from servicewright.variants import variants

from . import kitchen
from .recipes import FRAMEWORKS, read
from .summary import PROPERTY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from matrix.environments import Environments
    from matrix.postgresql import PostgreSQL
    from matrix.rendering import Renderer, Tree
    from matrix.suites import Runner

    from servicewright.variants import Variant

    from .recipes import Recipe

COOKBOOK = ROOT / "docs" / "cookbook.md"
RECIPES = read(COOKBOOK)
COOKED = [recipe for recipe in RECIPES if recipe.exchanges or recipe.of("flask")]
TITLES = {recipe.title: recipe for recipe in RECIPES}

# What the comparison of the two frameworks in our documents lists, and where that is shown.
COMPARISON = {
    "installation": "Installation",
    "hello world": "Hello world and a development server with reload",
    "configuration": "Configuration",
    "HTTP methods": "HTTP methods",
    "URL parameters": "URL parameters",
    "query parameters": "Query parameters",
    "templates": "Templates",
    "static files": "Static files",
    "asynchronous views": "Asynchronous views",
    "background tasks": "Background tasks",
    "a task queue": "A job for workers",
    "dependency injection": "Dependency injection",
    "data validation": "Data validation",
    "serialization": "Serialization and deserialization",
    "middleware": "Middleware",
    "modular routes": "Modular routes",
    "documentation": "Automatic documentation",
    "authentication": "Protecting one route",
    "CORS": "CORS",
    "admin site": "A table of one's own in the admin site",
    "testing": "Testing",
    "production server": "Production server",
    "Docker": "Docker",
}


# Recipes in which the frameworks have other routes, or title answers by other things.
DESCRIBED_APART = {"A WebSocket", "Nested and versioned routes"}

REQUIRED_FIELD = "A required field of the items, and a migration that changes data"

# What an owner adds to one project, with all of its checks clean after each.
ROWS_OF_A_DAY = 20

# Recipes that are meant to change what the suite of the service looks at.
OF_CONSEQUENCE = {
    REQUIRED_FIELD,
    "A handler of one's own",
    "Protecting everything",
    "Where one's own middleware stands",
}


@dataclass(frozen=True)
class Breakage:
    """A text of the service that is replaced: the recipe must notice.

    Attributes:
        recipe: The title of the recipe.
        framework: The framework of the service.
        file: The file of the package.
        old: The text, which stands there exactly once.
        new: What stands there instead.
    """

    recipe: str
    framework: str
    file: str
    old: str
    new: str


BREAKAGES = [
    Breakage(
        *("A conflict on a unique key", "flask", "database.py"),
        "if isinstance(error, IntegrityError):",
        "if isinstance(error, KeyError):",
    ),
    Breakage(
        *("A session in a command", "fastapi", "database.py"),
        "return self.sessions.begin()",
        "return self.sessions()",
    ),
    Breakage(
        *("An optional list, and another name outside", "flask", "openapi.py"),
        "dump_json(answer, by_alias=True)",
        "dump_json(answer)",
    ),
    Breakage(
        *("Protecting a group of routes", "flask", "authentication.py"),
        "    get_username()\n\n\n",
        "    return\n\n\n",
    ),
    Breakage(
        *("An error of one's own", "fastapi", "errors.py"),
        "answer(error.status,",
        "answer(400,",
    ),
    Breakage(
        *("Logging", "fastapi", "logs.py"),
        'PLAIN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")',
        'PLAIN_ID = re.compile(r"[0-9]{1,64}")',
    ),
]


class Kitchen:
    """Cooks recipes in services.

    Args:
        renderer: Renders the services.
        environments: Makes their environments.
        runner: Runs their tests.
        postgresql: The database of those that need it.
        scratch: A directory for what is only needed during the run.
        note: Notes what is said at the end of the run.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - each is a fixture
        self,
        renderer: Renderer,
        environments: Environments,
        runner: Runner,
        postgresql: PostgreSQL,
        scratch: Path,
        note: Callable[[str, object], None],
    ) -> None:
        self.renderer = renderer
        self.environments = environments
        self.scratch = scratch
        self._note = note
        self._runner = runner
        self._postgresql = postgresql

    def environment(self, tree: Tree) -> Path:
        """Make an environment with what all recipes add to a service."""
        extras = kitchen.extras(RECIPES, str(tree.variant.answers["framework"]))
        return self.environments.get([*tree.requirements, *sorted(extras)])

    def cook(
        self,
        *recipes: Recipe,
        variant: Variant,
        whole: bool = False,
        broken: Breakage | None = None,
    ) -> list[str]:
        """Put recipes into a service, one after the other, try them and say what is wrong."""
        tree = self.renderer.tree(variant.id)
        environment = self.environment(tree)
        tree = kitchen.copy_of(tree, recipes[0].name, self.scratch / "cookbook")
        if broken:
            change(tree.path / kitchen.SOURCE / broken.file, broken.old, broken.new)
        dishes = []
        for recipe in recipes:
            self._note(PROPERTY, recipe.title)
            dishes.append(kitchen.add(recipe, tree, environment, self._postgresql))
        problems, document = kitchen.cook(
            dishes, self._runner, self._postgresql, self.scratch, whole=whole
        )
        shutil.rmtree(tree.path)
        if document and not broken and len(dishes) == 1:
            problems += self._differences(dishes[0], document)
        return problems

    def continue_with(self, recipes: list[Recipe], tree: Tree, environment: Path) -> list[str]:
        """Put the last of these recipes into a project that has the others, and check all of it."""
        framework = str(tree.variant.answers["framework"])
        dishes = []
        for recipe in recipes[:-1]:
            earlier = kitchen.Dish(recipe, tree, environment)
            earlier.changed = [block.path for block in recipe.of(framework)]
            dishes.append(earlier)
        dishes.append(kitchen.add(recipes[-1], tree, environment, self._postgresql))
        problems, _ = kitchen.cook(dishes, self._runner, self._postgresql, self.scratch, whole=True)
        types = kitchen.wrong_types(tree.path, environment, CACHE / "mypy-cookbook" / framework)
        style = kitchen.ruff("check", tree.path) + kitchen.ruff("format", "--check", tree.path)
        return [*problems, *filter(None, (types, style))]

    def _differences(self, dish: kitchen.Dish, document: dict[str, Any]) -> list[str]:
        """Compare the document with that of the other framework, if that was cooked before."""
        if dish.recipe.title in DESCRIBED_APART:
            return []
        answers = dict(dish.tree.variant.answers)
        directory = self.scratch / "documents"
        directory.mkdir(exist_ok=True)
        kept = {}
        for framework in FRAMEWORKS.values():
            answers["framework"] = framework
            variant = "-".join(str(answer) for answer in answers.values())
            kept[framework] = directory / f"{dish.recipe.name}-{variant}"
        own = kept[dish.framework]
        draft = own.with_name(f"{own.name}.{os.getpid()}")
        draft.write_text(json.dumps(document))
        draft.rename(own)
        if not all(path.exists() for path in kept.values()):
            return []
        documents = {name: json.loads(path.read_text()) for name, path in kept.items()}
        return list(kitchen.differences(documents["flask"], documents["fastapi"]))


@pytest.fixture
def cook(  # noqa: PLR0913, PLR0917 - each is a fixture
    renderer: Renderer,
    environments: Environments,
    runner: Runner,
    postgresql: PostgreSQL,
    scratch: Path,
    record_property: Callable[[str, object], None],
) -> Kitchen:
    """What cooks."""
    return Kitchen(renderer, environments, runner, postgresql, scratch, record_property)


def full(framework: str, **changes: object) -> Variant:
    """Give the variant with all features, but for the answers that are given."""
    answers = {**ALL_FEATURES, "framework": framework, **changes}
    found = variants(ROOT).first(answers)
    assert found is not None
    return found


def for_recipe(recipe: Recipe, framework: str) -> Variant:
    """Give the variant with most features that a recipe is for."""
    changes = {
        question: min(allowed, key=str)
        for question, allowed in recipe.needs.items()
        if ALL_FEATURES.get(question) not in allowed
    }
    return full(framework, **changes)


def serve(recipe: Recipe, problems: list[str]) -> None:
    """Fail where a recipe is not as it says."""
    if problems:
        pytest.fail("\n".join([f"{recipe.title}:", *problems]), pytrace=False)


@pytest.mark.parametrize("recipe", COOKED, ids=lambda recipe: recipe.name)
@pytest.mark.parametrize("framework", FRAMEWORKS.values())
def test_recipe(recipe: Recipe, framework: str, cook: Kitchen) -> None:
    serve(recipe, cook.cook(recipe, variant=for_recipe(recipe, framework)))


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("variant", "recipe"),
    [
        pytest.param(variant, recipe, id=f"{variant.id}-{recipe.name}")
        for variant in covering(ROOT)
        for recipe in COOKED
        if recipe.suits(variant.answers)
    ],
)
def test_recipe_with_other_answers(recipe: Recipe, variant: Variant, cook: Kitchen) -> None:
    serve(recipe, cook.cook(recipe, variant=variant))


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("recipe", "framework"),
    [
        pytest.param(recipe, list(FRAMEWORKS.values())[number % 2], id=recipe.name)
        for number, recipe in enumerate(COOKED)
        if recipe.title not in OF_CONSEQUENCE
    ],
)
def test_the_suite_of_the_service_passes_with_a_recipe(
    recipe: Recipe, framework: str, cook: Kitchen
) -> None:
    serve(recipe, cook.cook(recipe, variant=for_recipe(recipe, framework), whole=True))


@pytest.mark.thorough
@pytest.mark.parametrize("half", [0, 1])
@pytest.mark.parametrize("framework", FRAMEWORKS.values())
def test_many_recipes_together(framework: str, half: int, cook: Kitchen) -> None:
    variant = full(framework)
    together = [
        recipe
        for recipe in COOKED
        if recipe.suits(variant.answers)
        and recipe.title not in OF_CONSEQUENCE
        and not any(block.path.endswith("custom.py") for block in recipe.blocks)
    ][half::2]

    problems = cook.cook(*together, variant=variant, whole=True)

    assert len(together) > 25
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


@pytest.mark.thorough
@pytest.mark.parametrize("framework", FRAMEWORKS.values())
def test_a_day_of_an_owner(framework: str, cook: Kitchen) -> None:
    tree = cook.renderer.tree(full(framework).id)
    environment = cook.environment(tree)
    tree = kitchen.copy_of(tree, "day", cook.scratch / "cookbook")
    rows = [
        recipe
        for recipe in COOKED
        if recipe.suits(tree.variant.answers)
        and recipe.title not in OF_CONSEQUENCE
        and not any(block.path.endswith("custom.py") for block in recipe.blocks)
    ][::2][:ROWS_OF_A_DAY]

    for done in range(1, len(rows) + 1):
        problems = cook.continue_with(rows[:done], tree, environment)
        assert not problems, f"After {rows[done - 1].title}:\n" + "\n".join(problems)
    shutil.rmtree(tree.path)
    assert len(rows) == ROWS_OF_A_DAY


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda broken: f"{broken.file}-{broken.recipe}")
def test_a_recipe_fails_where_what_it_shows_is_broken(breakage: Breakage, cook: Kitchen) -> None:
    recipe = TITLES[breakage.recipe]

    assert cook.cook(recipe, variant=for_recipe(recipe, breakage.framework), broken=breakage)


@pytest.mark.parametrize("jobs", ["in_process", "celery"])
@pytest.mark.parametrize("framework", FRAMEWORKS.values())
def test_the_code_of_all_recipes_is_typed(framework: str, jobs: str, cook: Kitchen) -> None:
    tree = cook.renderer.tree(full(framework, admin=True, background_tasks=jobs).id)
    # With a required field, the types of the service's own tests ask for it too.
    recipes = [
        recipe
        for recipe in RECIPES
        if recipe.title != REQUIRED_FIELD
        and ("celery" in recipe.needs.get("background_tasks", ())) == (jobs == "celery")
    ]
    assert recipes
    project = kitchen.unite(recipes, tree, cook.scratch / "cookbook")

    found = kitchen.wrong_types(
        project, cook.environment(tree), CACHE / "mypy-cookbook" / framework / jobs
    )

    shutil.rmtree(project)
    if found:
        pytest.fail(found, pytrace=False)


def test_a_websocket_is_served(
    renderer: Renderer, cook: Kitchen, postgresql: PostgreSQL, scratch: Path
) -> None:
    tree = renderer.tree(full("fastapi").id)
    environment = cook.environment(tree)
    tree = kitchen.copy_of(tree, "websocket", scratch / "cookbook")
    dish = kitchen.add(TITLES["A WebSocket"], tree, environment, postgresql)

    said = kitchen.converse(dish, postgresql, "/chat")

    shutil.rmtree(dish.tree.path)
    assert said == 'Hello, world!\n{"heard":"hi","stored":"ItemStore"}\n'


def test_the_comparison_of_the_two_frameworks_is_all_there() -> None:
    for title in COMPARISON.values():
        recipe = TITLES[title]
        assert recipe.commands or set(FRAMEWORKS.values()) == {
            framework for block in recipe.blocks for framework in block.frameworks
        }


def test_each_recipe_shows_something_that_is_tried() -> None:
    assert len(TITLES) == len(RECIPES)
    for recipe in COOKED:
        tests = [block for block in recipe.blocks if block.path.startswith("tests/")]
        excerpts = all(block.manner == "in" for block in recipe.blocks)
        assert recipe.exchanges or tests or excerpts, recipe.title


def test_what_the_cookbook_says_of_servers_and_commands(renderer: Renderer) -> None:
    flask, fastapi = (renderer.tree(full(framework).id).path for framework in ("flask", "fastapi"))
    text = COOKBOOK.read_text()
    for path in (flask, fastapi):
        readme = (path / "README.md").read_text()
        started = re.search(r"^uv run f.*$", readme, flags=re.MULTILINE)
        assert started is not None
        assert f"`{started[0]}`" in text
        for title in ("Installation", "Docker"):
            for _, command in TITLES[title].commands:
                assert f"\n{command}\n" in readme
    assert (flask / "Dockerfile").read_bytes() == (fastapi / "Dockerfile").read_bytes()
    composed = (flask / "compose.yaml").read_text()
    for variable in ("SECRET_KEY", "WEB_THREADS"):
        assert composed.count(f"      {variable}:\n") == 1
        composed = composed.replace(f"      {variable}:\n", "")
    assert composed == (fastapi / "compose.yaml").read_text()
