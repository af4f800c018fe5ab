"""``servicewright set``, ``update`` and ``diff``: what they do, say and refuse."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from commands import command, files, in_terminal, printed_commands, refusal, remembered, run
from repositories import commit, git

from servicewright import advice, repository, templates

from .conftest import append

if TYPE_CHECKING:
    from collections.abc import Callable

IGNORED = {".env", ".venv", ".venv/python"}


def state(project: Path) -> tuple[dict[str, bytes], str]:
    """Read all of a project, the history and the index included."""
    contents = {
        name: content for name, content in files(project).items() if not name.startswith(".git/")
    }
    return contents, git(project, "log", "--format=%H") + git(project, "status", "--porcelain")


def names(project: Path) -> set[str]:
    """List the files of a project."""
    return {name for name in state(project)[0] if name != ".git"}


# set


def test_set_changes_answers_and_nothing_else(project: Path) -> None:
    before = git(project, "rev-parse", "HEAD")

    result = run("set", "docker=no", "project_name=Shop = more")

    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    assert names(project) == {".copier-answers.yml", ".gitignore", "app.txt", "notes.txt"} | IGNORED
    assert remembered(project)["docker"] is False
    assert (project / "app.txt").read_text().startswith("name Shop = more\n")
    assert git(project, "rev-parse", "HEAD") == before
    assert git(project, "diff", "--name-only") == ""
    assert git(project, "diff", "--staged", "--name-status").split() == (
        "M .copier-answers.yml D Dockerfile M app.txt D deploy/run.sh".split()
    )
    assert "Files that go:\n  Dockerfile\n  deploy/run.sh\n" in result.stdout
    assert "4 files changed: 0 new, 2 modified, 2 gone." in result.stdout


def test_the_way_back_that_set_prints_works(project: Path) -> None:
    before = state(project)
    result = run("set", "docker=no", "framework=flask")
    back = next(line for line in printed_commands(result.stdout) if "restore" in line)
    git(project, *back.split()[1:])
    assert state(project) == before


def test_set_takes_the_project_as_its_first_argument(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.parent)
    result = run("set", "my orders", "framework=flask")
    assert result.exit_code == 0, result.stderr
    assert remembered(project)["framework"] == "flask"
    assert "cd 'my orders'" in printed_commands(result.stdout)


def test_set_says_where_the_guide_is_when_the_framework_changes(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guide = advice.guide()
    assert Path(guide).is_file()
    assert guide in run("set", "framework=flask").stdout
    git(project, "reset", "--hard")
    assert guide not in run("set", "docker=no").stdout
    monkeypatch.setattr(templates, "checkout", lambda: None)
    assert advice.guide() == str(Path(advice.__file__).with_name("cookbook.md"))


@pytest.mark.parametrize("settings", ["false", "true"])
def test_set_names_what_must_be_set_from_now_on(
    template_repository: Path, tmp_path: Path, settings: str
) -> None:
    project = tmp_path / "orders"
    given = [f"--set=settings={settings}", "--set=database=none", "--set=auth=none"]
    made = run("new", project, "--template", template_repository, *given)
    assert made.exit_code == 0, made.stderr
    commit(project)

    def asked_for(*answers: str) -> list[str]:
        result = run("set", project, *answers)
        assert result.exit_code == 0, result.stderr
        assert ("or in .env" in result.stdout) == ("export" in result.stdout and settings == "true")
        commit(project)
        return [line for line in printed_commands(result.stdout) if line.startswith("export ")]

    assert asked_for("auth=basic") == [
        "export BASIC_AUTH_USERNAME=...",
        "export BASIC_AUTH_PASSWORD=...",
    ]
    assert asked_for("database=postgresql") == [
        "export DATABASE_URL=postgresql://orders@127.0.0.1/orders"
    ]
    assert asked_for("framework=flask", "database=sqlite") == []


def test_set_names_what_git_ignores_no_more(small: Path, project: Path) -> None:
    assert "ignores no more" not in run("set", "framework=flask").stdout
    commit(project)
    template = small / "template"
    (template / ".gitignore").rename(template / "[[ '.gitignore' if docker else '' ]]")
    commit(small, tag="2.0.0")

    assert "ignores no more" not in run("update").stdout
    commit(project)
    said = run("set", "docker=no").stdout

    heading = "What git ignores no more: delete it, or name it in .gitignore:\n"
    assert f"{heading}  .env\n  .venv/\n" in said


def test_set_says_when_nothing_changes(project: Path) -> None:
    before = state(project)
    result = run("set", "docker=yes")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "Nothing changes: the project has these answers.\n"
    assert state(project) == before


def test_set_stays_at_the_version_of_the_project(small: Path, project: Path) -> None:
    append(small / "template" / "notes.txt", "later\n")
    config = small / "copier.yml"
    config.write_text(config.read_text().replace("docker:", "container:"))
    commit(small, tag="2.0.0")

    result = run("set", "docker=no")

    assert result.exit_code == 0, result.stderr
    assert remembered(project)["_commit"] == "1.0.0"
    assert (project / "notes.txt").read_text() == "notes\n"


def test_the_users_lines_and_files_stay(project: Path) -> None:
    append(project / "app.txt", "mine\n")
    (project / "wünsche und mehr.txt").write_text("mine\n")
    (project / "logo.png").write_bytes(bytes(range(256)))
    (project / "deploy" / "mine.sh").write_text("mine\n")
    (project / "deploy" / "mine.sh").chmod(0o755)
    commit(project)

    result = run("set", "framework=flask", "docker=no")

    assert result.exit_code == 0, result.stderr
    assert (project / "app.txt").read_text().endswith("framework flask\n4\n5\n6\nmine\n")
    assert (project / "wünsche und mehr.txt").read_text() == "mine\n"
    assert (project / "logo.png").read_bytes() == bytes(range(256))
    assert (project / "deploy" / "mine.sh").stat().st_mode & 0o100
    assert "mine" not in result.stdout


@pytest.mark.parametrize("inside", ["ignored file", "ignored folder"])
def test_what_git_ignores_is_never_overwritten(project: Path, inside: str) -> None:
    assert run("set", "docker=no").exit_code == 0
    append(project / ".gitignore", "Dockerfile\n" if inside == "ignored file" else "deploy\n")
    commit(project)
    mine = project / ("Dockerfile" if inside == "ignored file" else "deploy/run.sh")
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("mine\n")

    result = run("set", "docker=yes")

    assert result.exit_code == 0, result.stderr
    assert mine.read_text() == "mine\n"
    name = mine.relative_to(project)
    assert f"Warning: {name} is not written, because the project's .gitignore" in result.stderr


def test_a_file_that_only_the_machine_ignores_is_never_overwritten(project: Path) -> None:
    assert run("set", "docker=no").exit_code == 0
    commit(project)
    (project / ".git" / "info").mkdir(exist_ok=True)
    append(project / ".git" / "info" / "exclude", "/deploy\n")
    (project / "deploy").write_text("mine\n")

    result = run("set", "docker=yes")

    assert result.exit_code == 0
    assert (project / "deploy").read_text() == "mine\n"
    assert "deploy/run.sh is not written" in result.stderr


# Files that go


@pytest.fixture
def edited(project: Path) -> Path:
    """Edit a file that the answer docker=no drops."""
    append(project / "Dockerfile", "# mine\n")
    commit(project)
    return project


def test_a_file_with_edits_that_would_go_stops_the_change(edited: Path) -> None:
    before = state(edited)
    result = run("set", "docker=no")
    assert result.exit_code == 1
    assert result.stdout.endswith("Files that go with your edits in them:\n  Dockerfile\n")
    assert "Files that go:\n  deploy/run.sh\n" in result.stdout
    assert result.stderr == (
        "Error: Nothing was changed, because your edits would go: give --yes to let them go.\n"
    )
    assert state(edited) == before


@pytest.mark.parametrize("edit", ["deleted", "mode"])
def test_what_else_counts_as_an_edit(project: Path, edit: str) -> None:
    if edit == "deleted":
        (project / "Dockerfile").unlink()
    else:
        (project / "Dockerfile").chmod(0o755)
    commit(project)
    assert run("set", "docker=no").exit_code == (0 if edit == "deleted" else 1)


def test_edits_go_when_they_may_and_come_back_as_it_is_printed(edited: Path) -> None:
    result = run("set", "docker=no", "--yes")

    assert result.exit_code == 0, result.stderr
    assert not (edited / "Dockerfile").exists()
    printed = printed_commands(result.stdout)
    assert git(edited, *printed[-2].split()[1:]) == "FROM python\nCOPY . .\n# mine"
    git(edited, *printed[-1].split()[1:])
    assert (edited / "Dockerfile").read_text() == "FROM python\nCOPY . .\n# mine\n"


@pytest.mark.parametrize("key", ["n", "y"])
def test_in_a_terminal_it_asks(edited: Path, key: str) -> None:
    before = state(edited)
    code, shown = in_terminal(command("set", "docker=no"), {"Let them go?": f"{key}\r"})
    assert code == (0 if key == "y" else 1), shown
    assert (state(edited) == before) == (key == "n")
    assert shown.index("  Dockerfile") < shown.index("Let them go?")
    assert ("Nothing was changed." in shown) == (key == "n")


def test_what_changes_while_it_asks_is_not_overwritten(edited: Path) -> None:
    def edit() -> None:
        (edited / "notes.txt").write_text("meanwhile\n")

    result = with_interlude(edit, "set", "docker=no", "--yes")
    assert "notes.txt has changes that are not committed" in result
    assert (edited / "Dockerfile").exists()

    result = with_interlude(lambda: commit(edited), "set", "docker=no", "--yes")
    assert "not committed" in result
    git(edited, "add", "--all")
    git(edited, "commit", "--message=mine")
    result = with_interlude(lambda: commit(edited), "set", "docker=no", "--yes")
    assert "was changed meanwhile: start again." in result
    assert (edited / "Dockerfile").exists()


def with_interlude(interlude: Callable[[], object], *arguments: str) -> str:
    """Do something between the preparation of a change and the change; expect a refusal."""
    become = repository.Repository.become
    with pytest.MonkeyPatch.context() as patch:

        def later(self: repository.Repository, *rest: object) -> None:
            interlude()
            become(self, *rest)  # type: ignore[arg-type]

        patch.setattr(repository.Repository, "become", later)
        result = run(*arguments)
    assert result.exit_code == 1
    return result.stderr


# Conflicts


def test_conflicts_are_named_and_the_exit_code_says_so(project: Path) -> None:
    text = (project / "app.txt").read_text()
    (project / "app.txt").write_text(text.replace("framework fastapi", "framework mine"))
    commit(project)

    result = run("set", "framework=flask")

    assert result.exit_code == 3, result.stderr
    assert "Files with conflicts:\n  app.txt\n" in result.stdout
    merged = (project / "app.txt").read_text()
    assert "<<<<<<< before updating\nframework mine\n=======\nframework flask\n>>>>>>>" in merged
    stages = git(project, "ls-files", "--unmerged").splitlines()
    assert [line.split()[2] for line in stages] == ["1", "2", "3"]
    assert [git(project, "show", f":{stage}:app.txt").splitlines()[4] for stage in "123"] == [
        "framework fastapi",
        "framework mine",
        "framework flask",
    ]

    again = run("set", "docker=no")
    assert "app.txt still has conflicts" in refusal(again, 1)

    (project / "app.txt").write_text(text)
    printed = [line for line in printed_commands(result.stdout) if line.startswith("git add")]
    git(project, *printed[0].split()[1:])
    assert git(project, "ls-files", "--unmerged") == ""


def test_a_conflict_can_be_taken_back(project: Path) -> None:
    text = (project / "app.txt").read_text()
    (project / "app.txt").write_text(text.replace("framework fastapi", "framework mine"))
    commit(project)
    before = state(project)
    assert run("set", "framework=flask").exit_code == 3
    git(project, "restore", "--staged", "--worktree", ".")
    assert state(project) == before


# A project below the top of a repository


def test_a_project_in_a_folder_of_a_repository(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = tmp_path / "monorepo"
    project = top / "services" / "orders"
    assert run("new", project, "--defaults", "--template", small).exit_code == 0
    (top / "other.txt").write_text("other\n")
    (top / ".gitattributes").write_text("*.txt text\n")
    text = (project / "app.txt").read_text()
    (project / "app.txt").write_text(text.replace("framework fastapi", "framework mine"))
    append(project / "Dockerfile", "# mine\n")
    commit(top)
    (top / "other.txt").write_text("not committed\n")
    monkeypatch.chdir(project)

    assert run("set", "docker=no").exit_code == 1
    result = run("set", "docker=no", "framework=flask", "--yes")

    assert result.exit_code == 3, result.stderr
    assert "Files with conflicts:\n  app.txt\n" in result.stdout
    assert "git show HEAD:services/orders/Dockerfile" in printed_commands(result.stdout)
    assert (top / "other.txt").read_text() == "not committed\n"
    assert git(top, "ls-files", "--unmerged", "--full-name").endswith("services/orders/app.txt")
    git(project, "restore", "--staged", "--worktree", ".")
    assert git(top, "status", "--porcelain") == "M other.txt"


# Git's variables and settings of the caller


# All run git in the same way: one of them shows it, the others as well with -m thorough.
@pytest.mark.parametrize(
    "verb",
    [
        ["set", "docker=no"],
        pytest.param(["update"], marks=pytest.mark.thorough),
        pytest.param(["diff", "flask"], marks=pytest.mark.thorough),
        pytest.param(["new"], marks=pytest.mark.thorough),
    ],
)
@pytest.mark.parametrize(
    "exported",
    [
        {"GIT_DIR": "{top}/.git", "GIT_WORK_TREE": "{top}"},
        {"GIT_DIR": "{top}/.git"},
        {"GIT_INDEX_FILE": "{top}/.git/index"},
        {"GIT_OBJECT_DIRECTORY": "{top}/.git/objects", "GIT_NAMESPACE": "other"},
        {"GIT_LITERAL_PATHSPECS": "1", "GIT_DEFAULT_HASH": "sha256", "GIT_DIFF_OPTS": "-u0"},
        {"GIT_CONFIG_PARAMETERS": "'core.bare'='true'"},
        {
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "core.worktree",
            "GIT_CONFIG_VALUE_0": "{top}",
            "GIT_CONFIG_KEY_1": "safe.directory",
            "GIT_CONFIG_VALUE_1": "*",
        },
    ],
    ids="-".join,
)
def test_variables_of_git_change_nothing(
    small: Path,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    verb: list[str],
    exported: dict[str, str],
) -> None:
    append(small / "template" / "notes.txt", "later\n")
    commit(small, tag="1.1.0")
    if verb in (["diff", "flask"], ["new"]):
        verb = [*verb, "--template", str(small)]
    if verb[0] == "new":
        verb[1:1] = [str(small.parent / "fresh")]

    def outcome() -> tuple[object, ...]:
        done = subprocess.run(command(*verb), capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout, done.stderr, state(project), git(project, "ls-files", "--stage")

    with monkeypatch.context() as patch:
        for name, value in exported.items():
            patch.setenv(name, value.format(top=project))
        found = outcome()
    git(project, "fsck", "--no-dangling")
    git(project, "reset", "--hard")
    shutil.rmtree(small.parent / "fresh", ignore_errors=True)
    assert found == outcome()


@pytest.mark.parametrize("verb", [["set", "docker=no"], ["update"]])
def test_hooks_and_ignored_files_of_the_machine_stay_out(
    small: Path, project: Path, monkeypatch: pytest.MonkeyPatch, verb: list[str]
) -> None:
    append(small / "template" / "notes.txt", "later\n")
    commit(small, tag="1.1.0")
    machine = small.parent / "machine"
    (machine / "hooks").mkdir(parents=True)
    for hook in ("pre-commit", "post-checkout", "post-index-change", "reference-transaction"):
        (machine / "hooks" / hook).write_text(f"#!/bin/sh\ntouch '{machine}/ran'\nexit 1\n")
        (machine / "hooks" / hook).chmod(0o755)
    (machine / "ignore").write_text("app.txt\nnotes.txt\n")
    settings = machine / "gitconfig"
    settings.write_text(
        f'[core]\n\thooksPath = "{machine}/hooks"\n\texcludesFile = "{machine}/ignore"\n'
        "\tautocrlf = true\n[commit]\n\tgpgSign = true\n[init]\n\tdefaultBranch = odd\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))

    done = subprocess.run(command(*verb), capture_output=True, check=False)

    assert done.returncode == 0, done.stderr
    assert not (machine / "ran").exists()
    changed = "docker: false" if verb[0] == "set" else "later"
    assert changed in git(project, "-c", "core.hooksPath=", "diff", "--staged")


# What is refused


@pytest.mark.parametrize("verb", [["set", "docker=no"], ["update"]])
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("modified", "notes.txt has changes that are not committed: run `git add --all` and"),
        ("staged", "notes.txt has changes that are not committed"),
        ("new", "new.txt has changes that are not committed"),
        ("many", "a, b, c and 1 more have changes that are not committed"),
        ("no git", ". is not under version control, so nothing could be undone: run `git init`"),
        ("no commit", "changes that are not committed"),
        ("no answers", ". has no .copier-answers.yml, so it is no project made from a template"),
        ("ignored answers", "git ignores .copier-answers.yml: add it with `git add --force`"),
        ("no template", "does not say which template made the project"),
        ("no version", "was not a git repository when it made the project"),
        ("broken answers", ".copier-answers.yml cannot be read"),
        ("lost template", "The template is no longer at "),
        ("lost version", "has no version '9.9.9': if it is an old clone, run `git fetch --tags`"),
        ("relative template", "as '.', which is somewhere else for each directory: name it with"),
    ],
)
def test_projects_that_cannot_be_changed(
    small: Path, project: Path, verb: list[str], fault: str, said: str
) -> None:
    break_tree(project, fault)
    if break_answers(project, fault):
        commit(project)
    if fault == "lost template":
        small.rename(small.with_name("moved"))
    before = files(project)

    result = run(*verb)

    assert said in refusal(result, 1)
    assert {**files(project), ".git/index": b""} == {**before, ".git/index": b""}


def break_tree(project: Path, fault: str) -> None:
    """Leave something in a project that is not committed."""
    match fault:
        case "modified" | "staged":
            append(project / "notes.txt", "x\n")
            if fault == "staged":
                git(project, "add", ".")
        case "new" | "many":
            for name in ["new.txt"] if fault == "new" else "abcd":
                (project / name).touch()
        case "no git" | "no commit":
            shutil.rmtree(project / ".git")
            if fault == "no commit":
                git(project, "init")
        case "no answers":
            (project / ".copier-answers.yml").unlink()


def break_answers(project: Path, fault: str) -> bool:
    """Spoil what a project remembers; say whether that was the fault."""
    answers = project / ".copier-answers.yml"
    spoilt = {
        "no template": ("_src_path", "_source"),
        "relative template": ("_src_path: ", "_src_path: .\n_former: "),
        "no version": ("_commit", "_version"),
        "broken answers": ("docker: true", "a: [1"),
        "lost version": ("1.0.0", "9.9.9"),
    }
    if fault == "ignored answers":
        git(project, "rm", "--cached", ".copier-answers.yml")
        append(project / ".gitignore", ".copier-answers.yml\n")
        return True
    if fault in spoilt:
        answers.write_text(answers.read_text().replace(*spoilt[fault]))
    return fault in spoilt


@pytest.mark.parametrize(
    ("arguments", "exit_code", "said"),
    [
        (["dokcer=no"], 2, "There is no question 'dokcer': did you mean 'docker'?"),
        (["docker=maybe"], 2, "docker must be yes or no, not 'maybe'"),
        (["framework=django"], 2, "framework must be one of fastapi, flask"),
        (["docker=yes", "docker=no"], 2, "docker is given twice"),
        ([".", "docker"], 2, "An answer is given as KEY=VALUE, not docker."),
        (["."], 2, "No answer to change: write KEY=VALUE"),
        (["missing", "docker=no"], 1, "There is no project at missing"),
        (["project_name="], 1, "project_name must not be empty"),
    ],
)
def test_answers_that_cannot_be_set(
    project: Path, arguments: list[str], exit_code: int, said: str
) -> None:
    before = state(project)
    assert said in refusal(run("set", *arguments), exit_code)
    assert state(project) == before


# update


def test_update_brings_the_newest_release(small: Path, project: Path) -> None:
    append(project / "app.txt", "mine\n")
    commit(project)
    append(small / "template" / "notes.txt", "later\n")
    (small / "template" / "new.txt").write_text("new\n")
    commit(small, tag="1.1.0")
    append(small / "template" / "notes.txt", "not released\n")
    commit(small)

    result = run("update")

    assert result.exit_code == 0, result.stderr
    assert "From version 1.0.0 to 1.1.0." in result.stdout
    assert (project / "notes.txt").read_text() == "notes\nlater\n"
    assert (project / "new.txt").read_text() == "new\n"
    assert (project / "app.txt").read_text().endswith("6\nmine\n")
    assert remembered(project)["_commit"] == "1.1.0"
    commit(project)

    for _ in range(2):
        again = run("update")
        assert (again.exit_code, again.stderr) == (0, "")
        assert again.stdout == "Nothing is newer: the project is up to date.\n"
        # A project may be ahead of the newest release, too.
        assert run("update", "--ref", "HEAD").exit_code == 0
        assert "not released" in (project / "notes.txt").read_text()
        commit(project)


def test_update_takes_the_last_commit_of_a_template_without_releases(
    small: Path, project: Path
) -> None:
    git(small, "tag", "--delete", "1.0.0")
    first = git(small, "rev-parse", "--short", "HEAD")
    answers = project / ".copier-answers.yml"
    # Quoted as Copier does it: a commit may be all digits.
    answers.write_text(answers.read_text().replace("1.0.0", f"'{first}'"))
    commit(project)
    assert run("update").stdout == "Nothing is newer: the project is up to date.\n"
    append(small / "template" / "notes.txt", "draft\n")

    assert "has changes that are not committed" in refusal(run("update"), 1)
    commit(small)

    assert run("update").exit_code == 0
    assert (project / "notes.txt").read_text() == "notes\ndraft\n"


def test_update_names_files_that_go_with_edits(small: Path, edited: Path) -> None:
    (small / "template" / "[[ 'Dockerfile' if docker else '' ]]").unlink()
    commit(small, tag="1.1.0")
    before = state(edited)
    result = run("update")
    assert result.exit_code == 1
    assert "Files that go with your edits in them:\n  Dockerfile\n" in result.stdout
    assert state(edited) == before
    assert run("update", ".", "--yes").exit_code == 0
    assert not (edited / "Dockerfile").exists()


def test_update_says_conflicts(small: Path, project: Path) -> None:
    (project / "notes.txt").write_text("mine\n")
    commit(project)
    (small / "template" / "notes.txt").write_text("theirs\n")
    commit(small, tag="1.1.0")
    assert run("update").exit_code == 3
    assert "<<<<<<<" in (project / "notes.txt").read_text()


def test_update_refuses_versions_that_cannot_be(small: Path, project: Path) -> None:
    before = state(project)
    assert "9.9.9" in refusal(run("update", "--ref", "9.9.9"), 1)
    commit(small, tag="0.9.0")
    git(small, "checkout", "--quiet", "1.0.0")
    git(small, "tag", "--delete", "0.9.0")
    git(small, "tag", "0.9.0", git(small, "commit-tree", "HEAD^{tree}", "-m", "old"))
    assert "downgrading" in refusal(run("update", "--ref", "0.9.0"), 1)
    assert state(project) == before


# The example of copier.yml: an answer that has another name from a version on.
MIGRATION = """
_migrations:
  - version: 2.0.0
    when: "[[ _stage == 'before' ]]"
    command: ["[[ _copier_python ]]", "[[ _copier_conf.src_path ]]/migrations/rename_flask.py"]
"""
RENAME = """
from pathlib import Path

answers = Path(".copier-answers.yml")
answers.write_text(answers.read_text().replace("framework: flask", "framework: flask3"))
"""


@pytest.mark.parametrize("migrated", [True, False])
def test_a_migration_carries_an_answer_over(small: Path, project: Path, *, migrated: bool) -> None:
    assert run("set", "framework=flask").exit_code == 0
    append(project / "app.txt", "mine\n")
    commit(project)
    config = small / "copier.yml"
    text = config.read_text().replace("[fastapi, flask]", "[fastapi, flask3]")
    config.write_text(text + MIGRATION if migrated else text)
    (small / "migrations").mkdir()
    (small / "migrations" / "rename_flask.py").write_text(RENAME)
    commit(small, tag="2.0.0")

    result = run("update")

    assert result.exit_code == 0, result.stderr
    # Without it Copier takes the default answer for one that is no longer offered.
    assert remembered(project)["framework"] == ("flask3" if migrated else "fastapi")
    assert (project / "app.txt").read_text().endswith("4\n5\n6\nmine\n")
    commit(project)
    assert run("update").stdout == "Nothing is newer: the project is up to date.\n"


# Another template, new questions, and what would be


def test_a_template_that_moved_is_named_once(small: Path, project: Path) -> None:
    moved = small.rename(small.with_name("moved"))
    assert "The template is no longer at" in refusal(run("set", "docker=no"), 1)

    result = run("set", "docker=no", "--template", moved)

    assert (result.exit_code, result.stderr) == (0, "")
    assert remembered(project)["_src_path"] == str(moved)
    assert remembered(project)["docker"] is False
    commit(project)
    assert run("update").stdout == "Nothing is newer: the project is up to date.\n"
    moved.rename(small)
    assert run("update", "--template", small).exit_code == 0
    assert remembered(project)["_src_path"] == str(small)


def test_new_questions_are_told_and_can_be_answered(small: Path, project: Path) -> None:
    config = small / "copier.yml"
    # What the template writes down itself is no question to anybody.
    own = "migrated:\n  type: yaml\n  ask: false\n  default: []\n"
    tooling = "tooling:\n  choices: [none, github]\n  default: none\n"
    config.write_text(config.read_text() + own + tooling)
    (small / "template" / "[[ 'ci' if tooling == 'github' else '' ]]").write_text("ci\n")
    commit(small, tag="1.1.0")

    result = run("update")

    assert result.exit_code == 0, result.stderr
    assert "New questions, and how they are answered unless by --set: tooling=none." in (
        result.stdout
    )
    assert not (project / "ci").exists()
    git(project, "reset", "--hard")

    assert "no question 'tool'" in refusal(run("update", "--set", "tool=x"), 2)
    result = run("update", "--set", "tooling=github", "--set", "docker=no")
    assert result.exit_code == 0, result.stderr
    assert (project / "ci").read_text() == "ci\n"
    assert not (project / "Dockerfile").exists()
    assert remembered(project)["_commit"] == "1.1.0"


@pytest.mark.parametrize("verb", [["set", "docker=no", "framework=flask"], ["update"]])
def test_a_dry_run_shows_all_and_changes_nothing(
    small: Path, project: Path, verb: list[str]
) -> None:
    text = (project / "app.txt").read_text()
    (project / "app.txt").write_text(text.replace("framework fastapi", "framework mine"))
    append(project / "Dockerfile", "# mine\n")
    commit(project)
    root = small / "template"
    (root / "app.txt").write_text((root / "app.txt").read_text().replace("framework", "flavour"))
    (root / "new.txt").write_text("new\n")
    if verb == ["update"]:
        (root / "[[ 'Dockerfile' if docker else '' ]]").unlink()
        commit(small, tag="1.1.0")
    before = state(project)

    result = run(*verb, "--dry-run")

    assert result.exit_code == 3
    assert "Files that go with your edits in them:\n  Dockerfile\n" in result.stdout
    assert "Files with conflicts:\n  app.txt\n" in result.stdout
    assert "Files that change:\n  .copier-answers.yml\n  app.txt\n" in result.stdout
    assert ("Files that are new:\n  new.txt\n" in result.stdout) == (verb == ["update"])
    assert result.stdout.endswith("Nothing was changed, because this is a dry run.\n")
    assert state(project) == before
    if verb != ["update"]:
        assert run("set", "project_name=Shop", "--dry-run").exit_code == 0


# diff


def test_diff_shows_what_answers_change(small: Path, tmp_path: Path) -> None:
    result = run("diff", "flask", "framework=fastapi docker=no", "--template", small)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "\x1b" not in result.stdout
    assert "\n-framework flask\n+framework fastapi\n" in result.stdout
    assert "deleted file mode 100644" in result.stdout
    assert str(tmp_path) not in result.stdout.replace(str(small), "")

    reverse = run("diff", "framework=fastapi,docker=no", "flask", "--template", small)
    assert "\n-framework fastapi\n+framework flask\n" in reverse.stdout
    assert run("diff", "docker", "--template", small).stdout == ""
    assert run("diff", "defaults", "docker=no", "--template", small).stdout == (
        run("diff", "docker=no", "--template", small).stdout
    )
    stat = run("diff", "docker=no", "--stat", "--template", small).stdout
    assert " deploy/run.sh " in stat
    assert "3 files changed, 1 insertion(+), 4 deletions(-)" in stat


def test_diff_takes_a_value_with_separators(small: Path) -> None:
    shown = run("diff", "project_name=Web, Shop & more,docker=no", "--template", small).stdout
    assert "\n+name Web, Shop & more\n" in shown
    assert "\n-FROM python\n" in shown


def test_diff_of_a_project_writes_a_patch_that_git_applies(project: Path, tmp_path: Path) -> None:
    assert run("set", "framework=flask").exit_code == 0
    commit(project)
    patch = tmp_path / "change.patch"

    result = run("diff", "docker=no", "--project", ".", "--patch", patch)

    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    git(project, "apply", "--index", str(patch))
    applied = git(project, "write-tree")
    git(project, "reset", "--hard")
    assert run("set", "docker=no").exit_code == 0
    assert git(project, "write-tree") == applied


def test_diff_is_coloured_in_a_terminal(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = command("diff", "flask", "--template", small)
    code, shown = in_terminal(arguments, {})
    assert code == 0
    assert "\x1b[32m+" in shown
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[32m+" not in in_terminal(arguments, {})[1]
    assert not list(tmp_path.glob("servicewright-*"))


@pytest.mark.parametrize(
    ("arguments", "exit_code", "said"),
    [
        (["django"], 2, "'django' is no answer: write KEY=VALUE, or one of docker, fastapi, flask"),
        (["flask,framework=fastapi"], 2, "framework is given twice"),
        (["frame=flask"], 2, "There is no question 'frame'"),
        (["docker", "docker=no", "flask"], 2, "diff takes one or two lists of answers"),
        (["docker=no", "--project", ".", "--ref", "1.0.0"], 2, "leave --ref out"),
        (["docker=no", "--patch", "/missing/folder/x"], 2, "/missing/folder/x cannot be written"),
        (["project_name="], 1, "project_name must not be empty"),
        (["docker=no", "--project", "missing"], 1, ".copier-answers.yml cannot be read"),
    ],
)
def test_diff_refuses(small: Path, arguments: list[str], exit_code: int, said: str) -> None:
    options = [] if "missing" in arguments else ["--template", str(small)]
    assert said in refusal(run("diff", *arguments, *options), exit_code)


def test_other_resources_leave_applied_migrations_alone(
    template_repository: Path, tmp_path: Path
) -> None:
    project = tmp_path / "shop"
    made = run("new", project, "--template", template_repository, "--defaults")
    assert made.exit_code == 0, made.stderr
    commit(project)

    other = run("set", project, 'resources=["box(name: text(20))"]', "--yes")
    assert other.exit_code == 0, other.stderr
    assert "What a migration loses in a database:\n  items, with all rows\n" in other.stdout
    migrations = git(project, "diff", "--staged", "--name-status", "--", "src/shop/migrations")
    assert [line.split("/")[-1] for line in migrations.splitlines()] == [
        "0002_create_boxes.py",
        "0003_drop_items.py",
    ]
    git(project, "reset", "--quiet", "--hard")

    # Without a database there is nothing to apply, and nothing that is lost.
    without = run("set", project, "resources=[]", "database=none")
    assert without.exit_code == 0, without.stderr
    assert "loses" not in without.stdout
