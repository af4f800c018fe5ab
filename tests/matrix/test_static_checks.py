"""Each static check finds what it looks for, in a project that has it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from matrix import static
from matrix.rendering import PACKAGE
from matrix.words import misplaced

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from matrix.environments import Environments
    from matrix.rendering import Renderer, Tree

VARIANT = "fastapi-settings-sqlite"


@pytest.fixture
def tree(renderer: Renderer, tmp_path: Path) -> Tree:
    """A variant that a test may damage."""
    whole = renderer.tree(VARIANT)
    copy = tmp_path / "trees" / VARIANT
    shutil.copytree(whole.path, copy)
    return replace(whole, path=copy)


@pytest.fixture(scope="module")
def types_of_libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where mypy keeps what it finds out of libraries, which is most of its work."""
    return tmp_path_factory.mktemp("mypy")


def append(tree: Tree, path: str, text: str) -> None:
    """Add to the end of a file of a project."""
    with (tree.path / path).open("a") as file:
        file.write(text)


def substitute(tree: Tree, path: str, old: str, new: str) -> None:
    """Replace a text in a file of a project."""
    file = tree.path / path
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (f"src/{PACKAGE}/items.py", "\nx = (\n"),
        ("pyproject.toml", "\nx = \n"),
        ("extra.yaml", "a: [\n"),
        ("extra.html", "{% if x %}\n"),
        ("extra.css", "p { color }\n"),
        ("extra.css", "p { color: red }}\n"),
        ("extra.css", "@media print { p { : red } }\n"),
    ],
)
def test_syntax(tree: Tree, path: str, text: str) -> None:
    append(tree, path, text)

    (finding,) = static.each_file_once([tree], static.syntax)

    assert finding.startswith(f"{VARIANT}: ")
    assert "is not well formed" in finding


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("\n\n\n\nx = 1\n", "more than 2 blank lines"),
        ("x = 1 \n", "ends with white space"),
        ("\n", "does not end with one newline"),
        ("x = 1", "does not end with one newline"),
        ("\tx = 1\n", "has tabs"),
        ("x = [[ package_name ]]\n", "mark '[[ '"),
        ("#{% if when.flask %}\n", "mark '#{%'"),
        ("x = '{{ x }}'\n", "mark '{{'"),
        ("{% if x %}\n", "mark '{%'"),
        ("from PACKAGE.items import Item\n", "mark 'from PACKAGE'"),
    ],
)
def test_layout(tree: Tree, text: str, finding: str) -> None:
    assert static.each_file_once([replace(tree)], static.layout) == []
    append(tree, "tests/test_items.py", text)

    found = static.each_file_once([tree], static.layout)

    assert any(finding in line for line in found), found


def test_empty_files_and_directories(tree: Tree) -> None:
    (tree.path / "nothing").mkdir()
    (tree.path / "empty.txt").touch()

    assert static.empty_directories([tree]) == [f"{VARIANT}: nothing: is empty"]
    assert static.each_file_once([tree], static.layout) == [f"{VARIANT}: empty.txt: is empty"]


def test_lint_and_format(tree: Tree) -> None:
    assert static.lint([replace(tree)], "check") == []
    assert static.lint([replace(tree)], "format", "--check") == []
    append(tree, "tests/test_items.py", "import  os\n")

    assert "F401" in "".join(static.lint([replace(tree)], "check", "--output-format=concise"))
    assert "test_items.py" in "".join(static.lint([replace(tree)], "format", "--check"))


def test_a_file_is_linted_once_and_again_where_other_modules_are_around_it(
    renderer: Renderer, tree: Tree
) -> None:
    whole = renderer.tree(VARIANT)
    copy = replace(whole, path=tree.path)
    path = tree.path / "src" / PACKAGE / "items.py"
    text = path.read_text()
    path.write_text(text.replace("import", "import sqlalchemy  # noqa: F401\nimport", 1))
    changed = replace(tree)
    wrong = static.lint([changed], "check", "--output-format=concise")

    assert wrong
    assert static.lint([changed, changed, replace(copy)], "check", "--output-format=concise") == (
        wrong
    )
    assert list(static.different([whole, whole], static.lint_context)) == [VARIANT]
    others = static.different([whole, changed], static.lint_context)
    assert {tuple(paths) for _, paths in others.values()} >= {(f"src/{PACKAGE}/items.py",)}
    # The same file, but what it imports is of the project now: it belongs into another block.
    path.write_text(text)
    (tree.path / "src" / "sqlalchemy").mkdir()
    (tree.path / "src" / "sqlalchemy" / "__init__.py").write_text('"""Its own."""\n')
    unsorted = static.lint([whole, replace(tree)], "check", "--output-format=concise")
    assert any("I001" in line for line in unsorted)


@pytest.mark.parametrize("path", [f"src/{PACKAGE}/items.py", "tests/test_items.py"])
def test_types(
    tree: Tree, environments: Environments, types_of_libraries: Path, tmp_path: Path, path: str
) -> None:
    append(tree, path, '\nWRONG: int = "text"\n')
    packages = tmp_path / "packages"
    packages.mkdir()

    (finding,) = static.wrong_types(
        [(tree, tree.files)], environments.get(tree.requirements), packages, types_of_libraries
    )

    assert finding.startswith(f"{VARIANT}: {path}:")
    assert "[assignment]" in finding


def test_types_of_what_is_imported(
    tree: Tree, environments: Environments, types_of_libraries: Path, tmp_path: Path
) -> None:
    changed = f"src/{PACKAGE}/store.py"
    path = tree.path / changed
    path.write_text(path.read_text().replace("def page(", "def pages("))
    append(tree, changed, '\nWRONG: int = "text"\n')
    packages = tmp_path / "packages"
    packages.mkdir()

    found = static.wrong_types(
        [(tree, {f"src/{PACKAGE}/app.py"})],
        environments.get(tree.requirements),
        packages,
        types_of_libraries,
    )

    assert found
    assert all(finding.startswith(f"{VARIANT}: src/{PACKAGE}/app.py:") for finding in found)


@pytest.mark.parametrize(
    ("damage", "finding"),
    [
        (
            lambda tree: append(tree, f"src/{PACKAGE}/items.py", "\nimport flask\n"),
            "flask is imported in src and not declared",
        ),
        (
            lambda tree: append(tree, f"src/{PACKAGE}/items.py", "\nimport httpx2\n"),
            "httpx2 is imported in src and not declared",
        ),
        (
            lambda tree: append(tree, "tests/test_items.py", "\nimport h11\n"),
            "h11 is imported in tests and not declared",
        ),
        (
            lambda tree: substitute(tree, "pyproject.toml", '"sqlalchemy', '"flask", "sqlalchemy'),
            "flask is declared and not imported in src",
        ),
        (
            lambda tree: substitute(tree, "pyproject.toml", '"mypy', '"h11", "mypy'),
            "h11 is declared for development and not imported in tests",
        ),
        (
            lambda tree: substitute(tree, "pyproject.toml", '"mypy', '"sqlalchemy", "mypy'),
            "sqlalchemy is declared twice",
        ),
    ],
)
def test_dependencies(
    tree: Tree, environments: Environments, damage: Callable[[Tree], None], finding: str
) -> None:
    distributions = static.installed_with(environments.get(tree.requirements))
    assert static.wrong_dependencies([replace(tree)], distributions) == []
    damage(tree)

    assert f"{VARIANT}: {finding}" in static.wrong_dependencies([replace(tree)], distributions)


def test_frameworks(tree: Tree, renderer: Renderer) -> None:
    flask = renderer.tree(VARIANT.replace("fastapi", "flask"))
    append(tree, "tests/test_items.py", "# only here\n")
    (tree.path / "extra.py").write_text("x = 1\n")

    findings = static.differences_between_frameworks([tree, flask], ["pyproject.toml"])

    assert f"{flask.variant.id}: tests/test_items.py: not as in {VARIANT}" in findings
    assert f"{flask.variant.id}: extra.py: not as in {VARIANT}" in findings
    assert not any("pyproject.toml" in finding for finding in findings)


def test_words(tree: Tree) -> None:
    assert misplaced([replace(tree)]) == []
    append(tree, "README.md", "Not for Flask.\n")
    for path in tree.path.rglob("*"):
        if path.is_file():
            path.write_text(path.read_text().replace("secrets_dir", "hidden"))

    found = misplaced([replace(tree)])

    assert f"{VARIANT}: Flask of flask is in README.md" in found
    assert f"{VARIANT}: secrets_dir of settings is missing" in found


def test_what_is_the_same_is_chosen_once_and_nothing_is_left_out(
    renderer: Renderer, tree: Tree
) -> None:
    whole = renderer.tree(VARIANT)
    other = renderer.tree("flask-settings")
    append(tree, f"src/{PACKAGE}/items.py", "# changed, and so is all that imports it\n")

    python = {path for path in whole.files if path.endswith(".py")}
    assert static.covering([whole, whole]) == [(whole, python)]
    assert [each for each, _ in static.covering([whole, tree])] == [whole, tree]
    assert "tests/test_gunicorn.py" not in static.covering([whole, tree])[1][1]
    chosen = static.covering([whole, other, tree])
    everything = {item for each in (whole, other, tree) for item in static.reach(each).items()}
    looked_at = {
        (path, files)
        for each, paths in chosen
        for path, files in static.reach(each).items()
        if path in paths
    }
    assert looked_at == everything
    assert f"src/{PACKAGE}/items.py" in {
        path for path, _ in static.reach(tree)[f"src/{PACKAGE}/app.py"]
    }


def test_each_form_of_a_file_is_chosen(renderer: Renderer, tree: Tree) -> None:
    whole = renderer.tree(VARIANT)
    append(tree, f"src/{PACKAGE}/items.py", "# changed, and so is all that imports it\n")
    python = {path for path in whole.files if path.endswith(".py")}

    other = replace(tree, variant=replace(tree.variant, id="other"))
    chosen = static.each_form([whole, whole, other], [VARIANT])
    assert chosen == [(whole, python), (other, {f"src/{PACKAGE}/items.py"})]


def test_a_file_of_very_many_forms_is_looked_at_where_it_is_said(
    renderer: Renderer, tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = renderer.tree(VARIANT)
    append(tree, f"src/{PACKAGE}/items.py", "# changed\n")
    other = replace(tree, variant=replace(tree.variant, id="other"))
    monkeypatch.setattr(static, "MANY_FORMS", 1)

    assert len(static.each_form([whole, other], [VARIANT])) == 1
    assert static.each_form([whole, other], [VARIANT], ["other"])[1] == (
        other,
        {f"src/{PACKAGE}/items.py"},
    )


@pytest.mark.parametrize(
    ("path", "old", "new", "said"),
    [
        ("README.md", "| `MESSAGE` |", "| `MASSAGE` |", "README.md: lacks MESSAGE"),
        (
            "README.md",
            "| `MESSAGE` |",
            "| `MASSAGE` |",
            "README.md: has MASSAGE, which is not read",
        ),
        (".env.example", "MESSAGE=", "# MESSAGE=", ".env.example: lacks MESSAGE"),
        (
            f"src/{PACKAGE}/settings.py",
            "    message: str",
            "    words: str",
            "README.md: lacks WORDS",
        ),
    ],
)
def test_variables(tree: Tree, path: str, old: str, new: str, said: str) -> None:
    substitute(tree, path, old, new)

    assert f"{VARIANT}: {said}" in static.wrong_variables([tree])


def test_dockerfiles(tree: Tree, tmp_path: Path) -> None:
    append(tree, "Dockerfile", "FROM python\nRUN cd /tmp && sudo apt-get install x\n")
    (tmp_path / "found").mkdir()

    findings = static.hadolint([tree], tmp_path / "found")

    assert any(finding.startswith(f"{VARIANT}:1 DL3006") for finding in findings), findings
