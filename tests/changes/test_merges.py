"""What the template changes arrives where the user's files went, and nothing is lost silently."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commands import refusal, remembered, run
from repositories import commit, git

from .conftest import append
from .test_commands import names, state
from .updates import contents

LINES = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n"


@pytest.fixture
def small(small: Path) -> Path:
    """Give the small template a package, a folder of files and a file that may go."""
    config = small / "copier.yml"
    config.write_text(
        config.read_text() + "package_name:\n  type: str\n  default: orders\n"
        "extra:\n  type: bool\n  default: true\n"
    )
    for name, text in {
        "src/[[ package_name ]]/main.py": f'"""The service."""\n# {LINES.replace("e", "e_")}',
        "src/[[ package_name ]]/routes/items.py": LINES.replace("o", "oo"),
        "src/[[ package_name ]]/routes/health.py": LINES.replace("t", "tt"),
        "tests/test_main.py": f"import [[ package_name ]].main\n{LINES}",
        "[[ 'extra' if extra else '' ]]/extra.txt": LINES.replace("e", "ee"),
        "[[ '' if extra else 'other' ]]/other.txt": LINES.replace("e", "ee"),
    }.items():
        path = small / "template" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(small, "tag", "--delete", "1.0.0")
    commit(small, tag="1.0.0")
    return small


def fix(small: Path, name: str, old: str = "three", new: str = "THREE") -> None:
    """Release a version of the template in which a line of a file is another."""
    path = small / "template" / name
    path.write_text(path.read_text().replace(old, new))
    commit(small, tag="1.1.0")


def test_a_fix_arrives_where_the_file_went(small: Path, project: Path) -> None:
    (project / "own").mkdir()
    (project / "tests" / "test_main.py").rename(project / "own" / "test_shop.py")
    (project / "own" / "test_shop.py").write_text(
        (project / "own" / "test_shop.py").read_text().replace("seven", "mine")
    )
    commit(project)
    fix(small, "tests/test_main.py")

    result = run("update")

    assert (result.exit_code, result.stderr) == (0, "")
    expected = "import orders.main\n" + LINES.replace("three", "THREE").replace("seven", "mine")
    assert (project / "own" / "test_shop.py").read_text() == expected
    assert not (project / "tests" / "test_main.py").exists()


def test_a_new_file_arrives_where_its_folder_went(small: Path, project: Path) -> None:
    (project / "src/orders/routes").rename(project / "src/orders/api")
    commit(project)
    (small / "template/src/[[ package_name ]]/routes/new.py").write_text("new\n")
    fix(small, "src/[[ package_name ]]/routes/items.py", "seven", "SEVEN")

    assert run("update").exit_code == 0

    assert not (project / "src/orders/routes").exists()
    assert (project / "src/orders/api/new.py").read_text() == "new\n"
    assert "SEVEN" in (project / "src/orders/api/items.py").read_text()


def test_what_is_missed_in_a_deleted_file_is_told(small: Path, project: Path) -> None:
    (project / "tests" / "test_main.py").unlink()
    commit(project)
    assert "test_main.py" not in run("set", "framework=flask").stderr
    commit(project)
    fix(small, "tests/test_main.py")

    result = run("update")

    assert result.exit_code == 0
    assert result.stderr.startswith(
        "Warning: tests/test_main.py is changed in the template, and stays deleted"
    )
    assert result.stderr.count("\n") == 1
    assert not (project / "tests" / "test_main.py").exists()
    assert remembered(project)["_commit"] == "1.1.0"


def test_a_renamed_file_that_the_template_gives_up_stays_and_is_told(project: Path) -> None:
    (project / "extra" / "extra.txt").rename(project / "mine.txt")
    commit(project)
    result = run("set", "extra=no")
    assert result.exit_code == 0
    assert "mine.txt stays, although the template gives up extra/extra.txt" in result.stderr
    assert (project / "mine.txt").read_text() == LINES.replace("e", "ee")
    assert (project / "other" / "other.txt").read_text() == LINES.replace("e", "ee")


def test_a_file_that_goes_is_none_that_comes_however_similar(project: Path) -> None:
    append(project / "extra" / "extra.txt", "mine\n")
    (project / "extra" / "own.txt").write_text("own\n")
    commit(project)
    before = state(project)

    refused = run("set", "extra=no")
    assert refused.exit_code == 1
    assert "Files that go with your edits in them:\n  extra/extra.txt\n" in refused.stdout
    assert state(project) == before

    assert run("set", "extra=no", "--yes").exit_code == 0
    assert (project / "other" / "other.txt").read_text() == LINES.replace("e", "ee")
    assert (project / "extra" / "own.txt").read_text() == "own\n"


def test_edits_and_files_follow_a_change_of_the_packages_name(project: Path) -> None:
    append(project / "src/orders/main.py", "# mine\n")
    (project / "src/orders/own/deep").mkdir(parents=True)
    (project / "src/orders/own/deep/module.py").write_text("own\n")
    (project / "src/orders/routes/health.py").unlink()
    (project / "src/orders/__pycache__").mkdir()
    append(project / ".gitignore", "__pycache__/\n")
    (project / "src/orders/__pycache__/main.pyc").touch()
    commit(project)

    result = run("set", "package_name=shop")

    assert (result.exit_code, result.stderr) == (0, "")
    assert "Files that go" not in result.stdout
    assert "src/orders is src/shop from now on, with your files in it." in result.stdout
    assert (project / "src/shop/main.py").read_text().endswith("# mine\n")
    assert (project / "src/shop/own/deep/module.py").read_text() == "own\n"
    assert not (project / "src/shop/routes/health.py").exists()
    assert "import shop.main" in (project / "tests/test_main.py").read_text()
    assert git(project, "ls-files", "src/orders") == ""
    commit(project)

    assert run("set", "package_name=orders").exit_code == 0
    git(project, "add", "--all")
    assert git(project, "diff", "--staged", "HEAD~1") == ""

    # A folder of that name is in the way: then git decides, and nothing of it is lost.
    git(project, "reset", "--hard", "HEAD~1")
    (project / "src/shop").mkdir(exist_ok=True)
    (project / "src/shop/mine.py").write_text("mine\n")
    commit(project)
    assert run("set", "package_name=shop", "--yes").exit_code == 0
    assert (project / "src/shop/mine.py").read_text() == "mine\n"
    assert (project / "src/shop/main.py").read_text().endswith("# mine\n")


def test_files_that_are_the_owners_alone_are_left_out(small: Path, project: Path) -> None:
    (project / "pyproject.toml").write_text(
        '[tool.servicewright]\nkeep = ["notes.txt", "tests", "deploy/*.sh", "[[x"]\n'
    )
    (project / "notes.txt").write_text("all mine\n")
    (project / "src/orders/routes/items.py").write_text("also mine\n")
    commit(project)
    fix(small, "notes.txt", "notes", "NOTES")
    (small / "template/tests/test_new.py").write_text("new\n")
    commit(small, tag="1.2.0")

    result = run("update")

    assert result.exit_code == 0, result.stdout
    assert result.stderr.splitlines() == [
        f"Warning: {name} is yours alone, so what the template changed in it is left out."
        for name in ("notes.txt", "tests/test_new.py")
    ]
    assert (project / "notes.txt").read_text() == "all mine\n"
    assert not (project / "tests/test_new.py").exists()
    commit(project)
    result = run("set", "docker=no")
    assert "deploy/run.sh is yours alone" in result.stderr
    assert (project / "deploy/run.sh").exists()
    assert not (project / "Dockerfile").exists()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("keep = 1", 'must be a list of names of files, such as ["README.md"]'),
        ('keep = ["a", 2]', "must be a list of names of files"),
        ("keep =", "pyproject.toml cannot be read"),
    ],
)
def test_a_list_that_is_none_is_refused(project: Path, settings: str, said: str) -> None:
    (project / "pyproject.toml").write_text(f"[tool.servicewright]\n{settings}\n")
    commit(project)
    before = state(project)
    assert said in refusal(run("set", "docker=no"), 1)
    assert state(project) == before


def test_a_new_file_that_only_the_machine_ignores_is_written_and_told(
    small: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("set", "docker=no").exit_code == 0
    commit(project)
    settings = small.parent / "gitconfig"
    settings.write_text(f'[core]\n\texcludesFile = "{small.parent}/ignore"\n')
    (small.parent / "ignore").write_text("Dockerfile\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))

    result = run("set", "docker=yes")

    assert result.exit_code == 0
    assert result.stderr == (
        "Warning: Dockerfile is new, although git on this machine ignores files like it.\n"
    )
    assert (project / "Dockerfile").exists()
    assert "Dockerfile" in git(project, "ls-files")


def test_a_template_that_renames_carries_edits_along(small: Path, project: Path) -> None:
    append(project / "extra" / "extra.txt", "mine\n")
    commit(project)
    former = small / "template" / "[[ 'extra' if extra else '' ]]"
    (former / "extra.txt").rename(former / "better.txt")
    commit(small, tag="1.1.0")

    result = run("update")

    assert result.exit_code == 0, result.stdout
    assert (project / "extra/better.txt").read_text() == LINES.replace("e", "ee") + "mine\n"
    assert not (project / "extra/extra.txt").exists()


def test_both_renamed_a_file(small: Path, project: Path) -> None:
    (project / "extra" / "extra.txt").rename(project / "extra" / "mine.txt")
    append(project / "extra" / "mine.txt", "mine\n")
    commit(project)
    former = small / "template" / "[[ 'extra' if extra else '' ]]"
    (former / "extra.txt").rename(former / "better.txt")
    commit(small, tag="1.1.0")

    assert run("update").exit_code == 0

    assert (project / "extra/mine.txt").read_text() == LINES.replace("e", "ee") + "mine\n"
    assert not (project / "extra/extra.txt").exists()
    assert not (project / "extra/better.txt").exists()


CODE = """def total(first: int, second: int, third: int) -> int:
    return first + second + third
"""


@pytest.mark.parametrize("ruff", ["of the project", "on the path", "none"])
def test_what_the_template_writes_is_formatted_as_the_project(
    small: Path, project: Path, monkeypatch: pytest.MonkeyPatch, ruff: str
) -> None:
    root = small / "template"
    (root / "code.py").write_text(CODE)
    (root / "pyproject.toml").write_text("[tool.ruff]\nline-length = 100\n")
    commit(small, tag="1.1.0")
    assert run("update").exit_code == 0
    (project / ".venv" / "bin").mkdir()
    executable = Path(sys.executable).with_name("ruff")
    if ruff == "of the project":
        (project / ".venv" / "bin" / "ruff").symlink_to(executable)
    elif ruff == "on the path":
        monkeypatch.setenv("PATH", f"{executable.parent}:{os.environ['PATH']}")
    else:
        found = shutil.which
        monkeypatch.setattr(
            shutil,
            "which",
            lambda name, path=None: None if name == "ruff" else found(name, path=path),
        )
    (project / "pyproject.toml").write_text("[tool.ruff]\nline-length = 40\n")
    subprocess.run([executable, "format", "--quiet", "code.py"], cwd=project, check=True)
    assert (project / "code.py").read_text() != CODE
    commit(project)
    (root / "code.py").write_text(CODE.replace("+ third", "- third"))
    (root / "new.py").write_text(CODE)
    commit(small, tag="1.2.0")

    result = run("update")

    if ruff == "none":
        assert "ruff is not here: format what is new." in result.stderr
        assert (project / "new.py").read_text() == CODE
        return
    assert (result.exit_code, result.stderr) == (0, "")
    assert (project / "new.py").read_text() == (
        "def total(\n    first: int, second: int, third: int\n) -> int:\n"
        "    return first + second + third\n"
    )
    assert (project / "code.py").read_text() == (
        "def total(\n    first: int, second: int, third: int\n) -> int:\n"
        "    return first + second - third\n"
    )


def test_attributes_of_the_project_hold_for_what_the_template_wrote(
    small: Path, project: Path
) -> None:
    git(project, "config", "filter.loud.clean", "tr a-z A-Z")
    git(project, "config", "filter.loud.smudge", "cat")
    (project / ".gitattributes").write_text("notes.txt filter=loud\napp.txt text eol=crlf\n")
    git(project, "add", "--renormalize", ".")
    commit(project)
    fix(small, "notes.txt", "notes", "notes\nmore")
    result = run("update")
    assert (result.exit_code, result.stderr) == (0, "")
    assert git(project, "show", ":notes.txt") == "NOTES\nMORE"
    assert ".gitattributes" in names(project)


def test_a_fresh_project_becomes_what_a_fresh_copy_is(
    template_repository: Path, tmp_path: Path
) -> None:
    project, fresh = tmp_path / "orders", tmp_path / "fresh"
    assert run("new", project, "--template", template_repository).exit_code == 0
    commit(project)
    answers = ["framework=flask", "database=none", "package_name=shop", "pages=yes", "docker=no"]
    result = run("set", project, *answers)
    assert (result.exit_code, result.stderr) == (0, "")
    given = [f"--set={answer}" for answer in [*answers, "project_name=Orders"]]
    assert run("new", fresh, "--template", template_repository, *given).exit_code == 0
    shutil.rmtree(project / ".git")
    assert contents(project) == contents(fresh)


def test_what_both_sides_wrote_next_to_each_other_is_kept_and_listed(
    small: Path, project: Path
) -> None:
    root = small / "template"
    listed = '[project]\nname = "x"\nversion = "1"\ndependencies = [\n    "a>=1",\n{}]\n'
    (root / "pyproject.toml").write_text(listed.format(""))
    (root / "README.md").write_text("# Orders\n\nAll of it.\n\n## Run it\n\nSo.\n")
    commit(small, tag="1.1.0")
    assert run("update").exit_code == 0
    (project / "pyproject.toml").write_text(listed.format('    "mine>=1",\n'))
    (project / "README.md").write_text("# Orders\n\nAll of it.\n\n## Ask Ada\n")
    commit(project)
    (root / "pyproject.toml").write_text(listed.format('    "theirs>=1",\n'))
    (root / "README.md").write_text("# Orders\n\nAll of it.\n\n## Run it\n\nOtherwise.\n")
    commit(small, tag="1.2.0")
    before = state(project)

    dry = run("update", "--dry-run")
    assert dry.exit_code == 0
    assert state(project) == before
    result = run("update")

    assert result.exit_code == 0
    heading = "Files in which your edits are next to what changes, both of them kept:\n"
    for shown in (dry.stdout, result.stdout):
        assert f"{heading}  pyproject.toml (project.dependencies)\n" in shown
        assert "conflict" not in shown
    assert result.stderr == (
        'Warning: README.md has no "Run it" any more, so what the template changed there is left '
        "out.\n"
    )
    both = '    "mine>=1",\n    "theirs>=1",\n'
    assert (project / "pyproject.toml").read_text() == listed.format(both)
    assert (project / "README.md").read_text() == "# Orders\n\nAll of it.\n\n## Ask Ada\n"
    assert git(project, "ls-files", "--unmerged") == ""

    # What both want otherwise is a conflict as ever.
    git(project, "reset", "--hard", "HEAD")
    (project / "pyproject.toml").write_text(listed.format('    "theirs>=2",\n'))
    commit(project)
    result = run("update")
    assert result.exit_code == 3
    assert "Files with conflicts:\n  pyproject.toml\n" in result.stdout
    assert "<<<<<<< before updating" in (project / "pyproject.toml").read_text()


def test_imports_of_the_template_are_written_as_the_projects_are(
    small: Path, project: Path
) -> None:
    root = small / "template"
    (root / "code.py").write_text("from os import path, sep\n\nprint(path, sep)\n")
    (root / "pyproject.toml").write_text("[tool.ruff]\nline-length = 100\n")
    commit(small, tag="1.1.0")
    assert run("update").exit_code == 0
    (project / ".venv" / "bin").mkdir()
    executable = Path(sys.executable).with_name("ruff")
    (project / ".venv" / "bin" / "ruff").symlink_to(executable)
    append(project / "pyproject.toml", "\n[tool.ruff.lint.isort]\nforce-single-line = true\n")
    (project / "code.py").write_text(
        "from os import path\nfrom os import sep\n\nprint(path, sep)\n"
    )
    commit(project)
    (root / "code.py").write_text("from os import curdir, path\n\nprint(path, curdir)\n")
    commit(small, tag="1.2.0")

    result = run("update")

    assert (result.exit_code, result.stderr) == (0, "")
    assert (project / "code.py").read_text() == (
        "from os import curdir\nfrom os import path\n\nprint(path, curdir)\n"
    )
