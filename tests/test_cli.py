"""The command line: what it makes, what it says, and what it refuses."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from email.message import Message
from importlib.metadata import version
from pathlib import Path

import copier
import pytest
from commands import command, files, in_terminal, printed_commands, refusal, remembered, run
from copier import _template
from plumbum import local
from repositories import commit, git

from conftest import ROOT
from servicewright import copying, projects, templates
from servicewright.errors import TemplateError
from servicewright.next_steps import next_steps

# A template as small as one can be that asks a question of every kind.
SMALL = """
_subdirectory: template
_templates_suffix: ""
_envops:
  variable_start_string: "[["
  variable_end_string: "]]"
project_name:
  type: str
  help: What is it called?
  default: "[[ _folder_name ]]"
  validator: "[[ 'project_name must not be empty.' if not project_name ]]"
package_name:
  type: str
  default: orders
  validator: "[[ 'package_name cannot be a keyword.' if package_name == 'class' ]]"
framework:
  type: str
  choices:
    FastAPI: fastapi
    Flask: flask
  default: fastapi
docker:
  type: bool
  default: true
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Write the small template, and commit it."""
    root = tmp_path / "small"
    content = root / "template"
    content.mkdir(parents=True)
    (root / "copier.yml").write_text(SMALL)
    (content / "[[ _copier_conf.answers_file ]]").write_text("[[ _copier_answers | to_nice_yaml ]]")
    (content / "[[ package_name ]].txt").write_text("[[ project_name ]]: [[ framework ]]\n")
    commit(root, tag="1.0.0")
    return root


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty directory."""
    directory = tmp_path / "place"
    directory.mkdir()
    monkeypatch.chdir(directory)
    return directory


# The command itself


def test_help_lists_the_commands_and_their_options() -> None:
    for flag in ("--help", "-h"):
        general = run(flag)
        assert general.exit_code == 0
        for name in ("new", "set", "update", "diff", "variants", "prove", "constraints"):
            assert f" {name} " in general.stdout
    of_new = run("new", "--help").stdout
    for option in ("DEST", "--framework", "--set", "--defaults", "--template", "--ref"):
        assert option in of_new


def test_version_is_that_of_the_package() -> None:
    result = run("--version")
    assert result.stdout == f"servicewright {version('servicewright')}\n"
    assert result.exit_code == 0


def test_the_template_is_the_checkout_that_the_package_runs_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert templates.checkout() == ROOT
    assert templates.locate().location == str(ROOT)
    installed = tmp_path / "lib" / "site-packages" / "servicewright" / "templates.py"
    monkeypatch.setattr(templates, "__file__", str(installed))
    assert templates.checkout() is None
    with pytest.raises(TemplateError, match="brings no template"):
        templates.locate()


# The installed package


@pytest.fixture
def installed(small: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have the package bring the small template, as an installed one does.

    Returns:
        Where it is.
    """
    bundle = small.parent / "template.bundle"
    git(small, "bundle", "create", str(bundle), "HEAD", "--tags")
    monkeypatch.setattr(templates, "checkout", lambda: None)
    monkeypatch.setattr(templates, "bundle", lambda: bundle)
    return bundle


def test_the_installed_package_brings_the_template(
    small: Path, installed: Path, place: Path
) -> None:
    result = run("new", "orders", "--defaults")

    assert (result.exit_code, result.stderr) == (0, "")
    assert remembered(place / "orders")["_src_path"] == templates.OWN
    assert str(installed) not in result.stdout
    assert "copier copy" not in result.stdout
    commit(place / "orders")
    assert run("set", "orders", "framework=flask").exit_code == 0
    assert remembered(place / "orders")["_src_path"] == templates.OWN
    commit(place / "orders")

    (small / "template" / "later.txt").write_text("later\n")
    commit(small, tag="1.1.0")
    git(small, "bundle", "create", str(installed), "HEAD", "--tags")
    result = run("update", "orders")
    assert (result.exit_code, result.stderr) == (0, "")
    assert (place / "orders" / "later.txt").exists()
    assert remembered(place / "orders")["_src_path"] == templates.OWN
    assert run("diff", "flask", "--project", "orders").exit_code == 0
    assert run("variants").stdout.startswith("1  fastapi\n")


def test_the_installed_package_without_releases_says_nothing_of_it(
    small: Path, installed: Path, place: Path
) -> None:
    git(small, "tag", "--delete", "1.0.0")
    git(small, "bundle", "create", str(installed), "HEAD")
    result = run("new", "orders", "--defaults")
    assert (result.exit_code, result.stderr) == (0, "")
    assert remembered(place / "orders")["framework"] == "fastapi"


def test_projects_remember_the_published_address_once_there_is_one(
    installed: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metadata = Message()
    metadata["Project-URL"] = "Changelog, https://example.com/changes"
    metadata["Project-URL"] = "Template, https://example.com/our/template"
    monkeypatch.setattr(templates, "metadata", lambda _: metadata)
    address = "git+https://example.com/our/template"
    result = run("new", "orders", "--defaults")
    assert result.exit_code == 0, result.stderr
    assert remembered(place / "orders")["_src_path"] == address
    assert f" {address} orders" in result.stdout
    assert str(installed) not in result.stdout
    commit(place / "orders")
    # It is the template that the package brings: nothing is fetched.
    assert run("set", "orders", "framework=flask").exit_code == 0


@pytest.mark.thorough
@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="the history is not here")
def test_the_wheel_is_enough(place: Path) -> None:
    def uv(*arguments: str) -> str:
        done = subprocess.run(["uv", *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    uv("build", "--quiet", "--out-dir", "dist", str(ROOT))
    (wheel,) = (place / "dist").glob("*.whl")
    servicewright = ("tool", "run", "--from", str(wheel), "servicewright")
    uv(*servicewright, "new", "orders", "--defaults")
    commit(place / "orders")
    uv(*servicewright, "set", "orders", "framework=flask", "package_name=shop")
    assert (place / "orders" / "src" / "shop" / "main.py").exists()
    assert len(uv(*servicewright, "variants").splitlines()) == len(
        run("variants").stdout.splitlines()
    )


def test_a_clone_has_projects_remember_where_it_came_from(small: Path, place: Path) -> None:
    git(small, "remote", "add", "origin", "ssh://git@example.com/our/template")
    assert run("new", "before", "--template", small, "--defaults").exit_code == 0
    assert remembered(place / "before")["_src_path"] == str(small)
    git(small, "update-ref", "refs/remotes/origin/main", "HEAD")
    result = run("new", "after", "--template", small, "--defaults")
    assert result.exit_code == 0
    assert remembered(place / "after")["_src_path"] == "git+ssh://git@example.com/our/template"
    assert "is on this machine" not in result.stdout
    (small / "template" / "later.txt").write_text("later\n")
    commit(small)
    result = run("new", "later", "--template", small, "--defaults")
    assert remembered(place / "later")["_src_path"] == str(small)
    assert f"It remembers its template as {small}, which is on this machine" in result.stdout


# A project is made


def test_new_writes_a_project_with_the_default_answers(small: Path, place: Path) -> None:
    result = run("new", "web shop", "--defaults", "--template", small)

    assert result.exit_code == 0, result.stderr
    assert remembered(place / "web shop") == {
        "_commit": "1.0.0",
        "_src_path": str(small),
        "project_name": "web shop",
        "package_name": "orders",
        "framework": "fastapi",
        "docker": True,
    }
    assert (place / "web shop" / "orders.txt").read_text() == "web shop: fastapi\n"
    assert os.listdir(place) == ["web shop"]  # noqa: PTH208 - hidden files count
    assert result.stderr == ""


def test_new_takes_answers(small: Path, place: Path) -> None:
    result = run(
        *("new", "a/b/orders", "--template", small, "--framework", "Flask"),
        *("--set", "docker=No", "--set", "project_name=A=B", "--set", "framework=flask"),
    )

    assert result.exit_code == 0, result.stderr
    answers = remembered(place / "a" / "b" / "orders")
    assert answers["framework"] == "flask"
    assert answers["docker"] is False
    assert answers["project_name"] == "A=B"


@pytest.mark.parametrize("arguments", [(), ("--set", "docker=no")])
def test_new_never_prompts_without_a_terminal(
    small: Path, place: Path, arguments: tuple[str, ...]
) -> None:
    done = subprocess.run(
        command("new", "orders", "--template", small, *arguments),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "What is it called?" not in done.stdout
    assert "\x1b" not in done.stdout
    assert remembered(place / "orders")["framework"] == "fastapi"


def test_new_asks_in_a_terminal_what_is_not_given(small: Path, place: Path) -> None:
    down = "\x1b[B"
    code, shown = in_terminal(
        command("new", "orders", "--template", small, "--set", "docker=no"),
        {
            "What is it called?": " two\r",
            "package_name": "\r",
            "framework": f"{down}\r",
            "Is this": "\r",
        },
    )

    assert code == 0, shown
    answers = remembered(place / "orders")
    assert answers["project_name"] == "orders two"
    assert answers["framework"] == "flask"
    assert answers["docker"] is False
    assert "docker (bool)" not in shown
    assert "git init" in shown


def test_new_asks_nothing_in_a_terminal_when_the_defaults_are_wanted(
    small: Path, place: Path
) -> None:
    code, shown = in_terminal(command("new", "orders", "--template", small, "--defaults"), {})

    assert code == 0, shown
    assert "What is it called?" not in shown
    assert remembered(place / "orders")["project_name"] == "orders"


@pytest.mark.parametrize("existing", ["empty", "with git"])
def test_new_fills_an_empty_directory(small: Path, place: Path, existing: str) -> None:
    if existing == "with git":
        git(place, "init")

    result = run("new", ".", "--template", small, "--defaults")

    assert result.exit_code == 0, result.stderr
    assert remembered(place)["project_name"] == "place"
    assert {path.name for path in place.iterdir()} - {".git"} == {
        ".copier-answers.yml",
        "orders.txt",
    }
    assert "cd " not in result.stdout
    assert ("git init" in result.stdout) == (existing == "empty")


def prepared(place: Path) -> None:
    """Make a repository as git hosts do."""
    (place / "README.md").write_text("# place\n")
    (place / "LICENSE").write_text("MIT\n")
    (place / ".gitignore").write_text("# Python\n*.log\n.env\n")


def test_new_adopts_a_repository_that_a_git_host_prepared(small: Path, place: Path) -> None:
    (small / "template" / "README.md").write_text("# [[ project_name ]], described\n")
    (small / "template" / ".gitignore").write_text(".env\n.venv/\n")
    commit(small)
    prepared(place)
    commit(place)

    result = run("new", ".", "--template", small, "--defaults")

    assert (result.exit_code, result.stderr) == (0, "")
    assert (place / "README.md").read_text() == "# place, described\n"
    assert (place / "LICENSE").read_text() == "MIT\n"
    assert (place / ".gitignore").read_text() == ".env\n.venv/\n\n# As it was before:\n*.log\n"
    commit(place)
    assert run("set", "framework=flask").exit_code == 0
    assert {path.name for path in place.iterdir()} == {
        *(".git", ".gitignore", ".copier-answers.yml", "LICENSE", "README.md", "orders.txt")
    }


@pytest.mark.parametrize("fault", ["no repository", "not committed", "changed", "another file"])
def test_new_takes_the_place_of_nothing_that_git_has_not(
    small: Path, place: Path, fault: str
) -> None:
    (small / "template" / "README.md").write_text("new\n")
    commit(small)
    prepared(place)
    if fault == "not committed":
        git(place, "init")
    elif fault != "no repository":
        if fault == "another file":
            (place / "main.py").touch()
        commit(place)
        if fault == "changed":
            (place / "LICENSE").write_text("mine\n")
    before = files(place)
    result = run("new", ".", "--template", small)
    said = "is not empty" if fault == "another file" else "commit that, so that nothing is lost"
    assert said in refusal(result, 1)
    assert {**files(place), ".git/index": b""} == {**before, ".git/index": b""}


def test_a_failure_leaves_a_prepared_repository_as_it_was(
    small: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (small / "template" / "README.md").write_text("new\n")
    commit(small)
    prepared(place)
    commit(place)
    before = files(place)
    rename = Path.rename

    def fail_at_last(path: Path, target: Path) -> Path:
        if target == place / "orders.txt":
            assert (place / "README.md").read_text() == "new\n"
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail_at_last)
    assert run("new", ".", "--template", small).exit_code == 130
    assert {**files(place), ".git/index": b""} == {**before, ".git/index": b""}


def test_a_project_can_be_updated_to_another_version_and_another_answer(
    small: Path, place: Path
) -> None:
    assert run("new", "orders", "--defaults", "--template", small).exit_code == 0
    project = place / "orders"
    commit(project)
    (small / "template" / "[[ package_name ]].txt").write_text("New: [[ framework ]]\n")
    commit(small, tag="1.1.0")

    copier.run_update(
        project, data={"framework": "flask"}, defaults=True, overwrite=True, quiet=True
    )

    assert (project / "orders.txt").read_text() == "New: flask\n"
    assert remembered(project)["_commit"] == "1.1.0"


# What is printed


@pytest.mark.parametrize("framework", ["fastapi", "flask"])
def test_new_prints_the_next_steps(
    small: Path, place: Path, monkeypatch: pytest.MonkeyPatch, framework: str
) -> None:
    development, address = {
        "fastapi": ("uv run fastapi dev", "http://127.0.0.1:8000"),
        "flask": ("uv run flask --app orders.main run --debug", "http://127.0.0.1:5000"),
    }[framework]
    tools = place.parent / "tools"
    tools.mkdir()
    git_path = shutil.which("git")
    assert git_path is not None
    (tools / "git").symlink_to(git_path)
    (tools / "uv").write_text("#!/bin/sh\n")
    (tools / "uv").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.delenv("UV", raising=False)

    result = run("new", "my orders", "--framework", framework, "--template", small, "--defaults")

    assert result.exit_code == 0, result.stderr
    assert printed_commands(result.stdout)[:-1] == [
        "cd 'my orders'",
        "git init",
        "uv sync",
        development,
        "uv run pytest",
        "git add --all .",
        "git commit --message 'Start my orders'",
    ]
    assert address in result.stdout
    assert max(map(len, result.stdout.splitlines())) > 80, "commands are not wrapped"

    # It was put into a folder that is not on the path, as the README does, and runs this.
    elsewhere = (tools / "uv").rename(place.parent / "uv")
    monkeypatch.setenv("UV", str(elsewhere))
    result = run("new", "others", "--framework", framework, "--template", small, "--defaults")
    *printed, copier_command = printed_commands(result.stdout)
    assert printed == [
        "cd others",
        "git init",
        f"{elsewhere} sync",
        development.replace("uv ", f"{elsewhere} ", 1),
        f"{elsewhere} run pytest",
        "git add --all .",
        "git commit --message 'Start others'",
    ]
    assert copier_command.startswith(f"{elsewhere} tool run --with copier-template-extensions ")

    elsewhere.unlink()
    result = run("new", "third", "--framework", framework, "--template", small, "--defaults")
    assert printed_commands(result.stdout)[2:-3] == [
        "python3 -m pip install --target ~/.uv uv",
        "~/.uv/bin/uv sync",
        development.replace("uv ", "~/.uv/bin/uv ", 1),
        "~/.uv/bin/uv run pytest",
    ]


@pytest.fixture
def _uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a uv on the path."""
    tools = tmp_path / "with uv"
    tools.mkdir()
    (tools / "uv").write_text("#!/bin/sh\n")
    (tools / "uv").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=os.pathsep)


@pytest.mark.usefixtures("_uv")
def test_the_steps_of_a_template_without_a_framework_leave_it_out(tmp_path: Path) -> None:
    project = projects.Project(tmp_path, templates.Source("."), None, {}, ())
    commands = [command for step in next_steps(project, Path("x")) for command in step.commands]
    assert commands[:-2] == ["cd x", "git init", "uv sync", "uv run pytest"]


@pytest.mark.usefixtures("place")
def test_the_printed_steps_lead_to_a_project_that_can_be_changed(small: Path) -> None:
    result = run("new", "my orders", "--template", small, "--defaults")
    steps = [line for line in printed_commands(result.stdout) if line.startswith(("cd ", "git "))]
    subprocess.run(" && ".join(steps), shell=True, check=True, capture_output=True)  # noqa: S602
    assert run("set", "my orders", "framework=flask").exit_code == 0


def test_in_a_repository_no_other_one_is_made(small: Path, place: Path) -> None:
    git(place, "init")
    assert "git init" not in run("new", "orders", "--template", small, "--defaults").stdout
    (place / ".gitignore").write_text("scratch/\n")
    assert "git init" in run("new", "scratch/orders", "--template", small, "--defaults").stdout


@pytest.mark.parametrize("state", ["clean", "dirty", "without git"])
def test_the_printed_copier_command_makes_the_same_project(
    small: Path, place: Path, state: str
) -> None:
    if state == "dirty":
        (small / "template" / "[[ package_name ]].txt").write_text("Draft\n")
    elif state == "without git":
        shutil.rmtree(small / ".git")
    name = """it's a "shop" for $HOME & `co` = ünïcode"""
    result = run(
        *("new", "my orders", "--template", small, "--framework", "flask"),
        *("--set", f"project_name={name}", "--set", "docker=no"),
    )
    assert result.exit_code == 0, result.stderr
    made = files(place / "my orders")
    assert remembered(place / "my orders")["project_name"] == name
    shutil.rmtree(place / "my orders")

    uvx, *printed = shlex.split(printed_commands(result.stdout)[-1])

    # What uvx would fetch is here.
    assert (uvx, *printed[:2]) == ("uvx", "--with", "copier-template-extensions")
    del printed[:2]
    assert printed[:3] == ["copier", "copy", "--trust"]
    done = subprocess.run(
        [sys.executable, "-m", *printed], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    again = files(place / "my orders")
    if state == "dirty":
        # The commit that Copier makes of a draft is another one each time.
        for tree in (made, again):
            lines = tree[".copier-answers.yml"].splitlines()
            tree[".copier-answers.yml"] = b"".join(
                line for line in lines if not line.startswith(b"_commit")
            )
    assert again == made


def test_the_printed_copier_command_stays_the_same_when_the_template_moves_on(
    small: Path, place: Path
) -> None:
    result = run("new", "orders", "--template", small, "--defaults")
    made = files(place / "orders")
    shutil.rmtree(place / "orders")
    (small / "template" / "later.txt").write_text("later\n")
    commit(small, tag="2.0.0")

    printed = shlex.split(printed_commands(result.stdout)[-1])
    subprocess.run([sys.executable, "-m", *printed[3:]], capture_output=True, check=True)

    assert files(place / "orders") == made


@pytest.mark.parametrize(
    ("state", "warning"),
    [
        ("clean", ""),
        ("dirty", "has changes that are not committed, so the project cannot be updated"),
        ("without git", "is not a git repository, so the project cannot be updated"),
        ("without commits", "has changes that are not committed"),
        ("shallow", "is a shallow clone"),
    ],
)
def test_new_warns_of_what_an_update_will_lack(
    small: Path, place: Path, state: str, warning: str
) -> None:
    match state:
        case "dirty":
            (small / "template" / "new.txt").write_text("draft\n")
        case "without git":
            shutil.rmtree(small / ".git")
        case "without commits":
            shutil.rmtree(small / ".git")
            git(small, "init")
        case "shallow":
            commit(small)
            git(place.parent, "clone", "--depth=1", f"file://{small}", "shallow")
            small = place.parent / "shallow"

    result = run("new", "orders", "--template", small, "--defaults")

    assert result.exit_code == 0, result.stderr
    assert (place / "orders" / "orders.txt").is_file()
    if warning:
        assert result.stderr.startswith("Warning: ")
        assert warning in result.stderr
        assert result.stderr.count("\n") == 1
    else:
        assert result.stderr == ""
    assert (place / "orders" / "new.txt").exists() == (state == "dirty")


def test_the_report_fits_any_encoding(small: Path, place: Path) -> None:
    done = subprocess.run(
        command("new", "orders", "--template", small, "--set", "project_name=注文"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\\u6ce8\\u6587 is in orders." in done.stdout
    assert (place / "orders" / "orders.txt").read_text(encoding="utf-8") == "注文: fastapi\n"


def test_names_outside_ascii_need_no_locale_that_has_them(template: Path, place: Path) -> None:
    old = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    done = subprocess.run(
        command("new", "bücher", "--template", template, "--set", "author_name=Jörg"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**os.environ, **old},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers = remembered(place / "bücher")
    assert (answers["project_name"], answers["author_name"]) == ("Bücher", "Jörg")
    assert answers["package_name"] == "bucher"


# Which version of the template


def test_the_newest_release_is_taken_from_a_repository_elsewhere(small: Path, place: Path) -> None:
    (small / "template" / "later.txt").write_text("later\n")
    commit(small)
    address = f"file://{small}"

    assert run("new", "released", "--template", address).exit_code == 0
    assert not (place / "released" / "later.txt").exists()
    assert remembered(place / "released")["_commit"] == "1.0.0"
    assert remembered(place / "released")["_src_path"] == f"git+{address}"

    assert run("new", "latest", "--template", address, "--ref", "main").exit_code == 0
    assert (place / "latest" / "later.txt").exists()


def test_answers_to_a_repository_elsewhere_are_checked_against_its_questions(
    small: Path, place: Path
) -> None:
    result = run("new", "orders", "--template", f"file://{small}", "--set", "frame=flask")
    assert "did you mean 'framework'?" in refusal(result, 2)
    assert files(place) == {}


def test_a_reference_of_a_checkout_is_taken_without_its_draft(small: Path, place: Path) -> None:
    config = small / "copier.yml"
    config.write_text(config.read_text().replace("docker:", "container:"))
    (small / "template" / "draft.txt").write_text("draft\n")

    draft = run("new", "draft", "--template", small, "--set", "container=no")
    assert draft.exit_code == 0
    assert "not committed" in draft.stderr
    assert (place / "draft" / "draft.txt").exists()

    released = run("new", "ok", "--template", small, "--ref", "1.0.0", "--set", "docker=no")
    assert released.exit_code == 0
    assert released.stderr == ""
    assert not (place / "ok" / "draft.txt").exists()


# What is refused


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--set", "docker"], "--set KEY=VALUE, not --set docker"),
        (["--set", "=yes"], "--set KEY=VALUE, not --set =yes"),
        (["--set", "dokcer=yes"], "no question 'dokcer': did you mean 'docker'?"),
        (["--set", "x=1"], "the questions are project_name, package_name, framework, docker"),
        (["--set", "_src_path=elsewhere"], "no question '_src_path'"),
        (["--set", "docker=maybe"], "docker must be yes or no, not 'maybe'"),
        (["--set", "docker="], "docker must be yes or no, not ''"),
        (["--set", "framework=django"], "must be one of fastapi, flask, not 'django'"),
        (["--framework", "django"], "must be one of fastapi, flask, not 'django'."),
        (["--framework", "flsk"], "not 'flsk': did you mean 'flask'?"),
        (["--framework", "flask", "--set", "framework=fastapi"], "framework is given twice"),
        (["--set", "docker=yes", "--set", "docker=no"], "docker is given twice"),
    ],
)
def test_answers_that_cannot_be_are_refused(
    small: Path, place: Path, arguments: list[str], said: str
) -> None:
    result = run("new", "orders", "--template", small, *arguments)
    assert said in refusal(result, 2)
    assert files(place) == {}


@pytest.mark.parametrize("existing", [False, True])
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("package_name=class", "package_name cannot be a keyword"),
        ("project_name=", "project_name must not be empty"),
    ],
)
def test_answers_that_a_validator_refuses_leave_nothing_behind(
    small: Path, place: Path, answer: str, said: str, *, existing: bool
) -> None:
    if existing:
        (place / "orders").mkdir()
    before = files(place)
    result = run("new", "orders", "--template", small, "--set", answer)
    assert said in refusal(result, 1)
    assert files(place) == before


def test_a_default_that_a_validator_refuses_says_how_to_answer(small: Path, place: Path) -> None:
    config = small / "copier.yml"
    config.write_text(config.read_text().replace("default: orders", "default: class"))
    result = run("new", "orders", "--template", small)
    assert "(to answer it: --set package_name=VALUE)" in refusal(result, 1)
    assert files(place) == {}


@pytest.mark.parametrize(
    ("destination", "said"),
    [
        ("full", "full is not empty"),
        ("file", "file is a file"),
        ("file/below", "Not a directory"),
        ("n" * 300, "File name too long"),
        ("/", "/ is not empty"),
    ],
)
def test_destinations_that_cannot_be_are_refused(
    small: Path, place: Path, destination: str, said: str
) -> None:
    (place / "full").mkdir()
    (place / "full" / "mine.txt").write_text("mine\n")
    (place / "file").write_text("mine\n")
    before = files(place)
    result = run("new", destination, "--template", small)
    assert said in refusal(result, 1)
    assert files(place) == before


def test_a_destination_without_permission_is_refused(small: Path, place: Path) -> None:
    place.chmod(0o500)
    # The superuser may write anywhere but where the system allows no files at all.
    destination = (Path("/sys") if os.geteuid() == 0 else place) / "orders"
    result = run("new", destination, "--template", small)
    assert "cannot be written: " in refusal(result, 1)
    place.chmod(0o700)
    assert files(place) == {}
    assert not destination.exists()


def test_a_destination_that_appears_meanwhile_is_kept(
    small: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_copy = copying.Worker.run_copy

    def slow(worker: copying.Worker) -> None:
        run_copy(worker)
        (place / "orders").mkdir()
        (place / "orders" / "theirs.txt").write_text("theirs\n")

    monkeypatch.setattr(copying.Worker, "run_copy", slow)
    result = run("new", "orders", "--template", small)
    assert "orders cannot be written: Directory not empty" in refusal(result, 1)
    assert set(files(place)) == {"orders", "orders/theirs.txt"}


@pytest.mark.parametrize("failure", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_a_failure_between_two_files_leaves_an_existing_directory_as_it_was(
    small: Path,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure: BaseException | type[BaseException],
) -> None:
    (small / "template" / "folder").mkdir()
    (small / "template" / "folder" / "file.txt").write_text("x\n")
    commit(small)
    rename = Path.rename

    def fail_at_last(path: Path, target: Path) -> Path:
        if target.name == "orders.txt":
            assert (place / "folder" / "file.txt").exists()
            raise failure
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail_at_last)
    result = run("new", ".", "--template", small)
    assert result.exit_code == (130 if failure is KeyboardInterrupt else 1)
    assert files(place) == {}


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("missing", "no template at missing"),
        ("empty", "is not a template: it has no copier.yml"),
        ("broken", "copier.yml cannot be read"),
        ("list", "asks no questions"),
        ("file:///missing/repository.git", "git cannot get file:///missing/repository.git"),
        ("file://{}/empty-repository", "is not a template: it asks no questions"),
        ("x" * 5000, "no template at x"),
        ("~nobody-of-that-name/x", "no template at ~nobody-of-that-name/x"),
    ],
)
def test_templates_that_cannot_be_are_refused(place: Path, template: str, said: str) -> None:
    for name, config in (("empty", None), ("broken", "a: [1"), ("list", "[1, 2]")):
        (place / name).mkdir()
        if config is not None:
            (place / name / "copier.yml").write_text(config)
    (place / "empty-repository").mkdir()
    commit(place / "empty-repository", tag="1.0.0")
    result = run("new", "orders", "--template", template.format(place))
    assert said in refusal(result, 1)
    assert not (place / "orders").exists()


def test_an_address_without_a_repository_never_asks_for_a_password(place: Path) -> None:
    # Git would open the terminal of the session by itself, whatever its input is.
    assert local.env["GIT_TERMINAL_PROMPT"] == "0"
    with local.env(GIT_TERMINAL_PROMPT="1"):
        seen = []

        def look(*_: object, **__: object) -> None:
            seen.append(local.env["GIT_TERMINAL_PROMPT"])
            raise KeyboardInterrupt

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_template, "get_latest_tag", look)
            assert run("new", "orders", "--template", "gh:x/y").exit_code == 130
    assert seen == ["0"]
    assert files(place) == {}


def test_references_that_cannot_be_are_refused(small: Path, place: Path) -> None:
    for template in (str(small), f"file://{small}"):
        result = run("new", "orders", "--template", template, "--ref", "v9")
        said = refusal(result, 1)
        assert "has no version 'v9'" in said
        assert "--template" in said
    shutil.rmtree(small / ".git")
    result = run("new", "orders", "--template", small, "--ref", "v9")
    assert "is not a git repository, so it has no reference 'v9'" in refusal(result, 2)
    assert files(place) == {}


def test_a_template_with_an_error_is_told_in_a_sentence(small: Path, place: Path) -> None:
    (small / "template" / "wrong.txt").write_text("[[ 1 + ]]")
    result = run("new", "orders", "--template", small)
    assert "unexpected 'end of print statement'" in refusal(result, 1)
    assert files(place) == {}


def test_settings_of_copier_with_an_error_are_told_in_a_sentence(
    small: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = place.parent / "settings.yml"
    settings.write_text("defaults: [1")
    monkeypatch.setenv("COPIER_SETTINGS_PATH", str(settings))
    refusal(run("new", "orders", "--template", small), 1)
    assert files(place) == {}


def test_git_is_needed(small: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(place))
    result = run("new", "orders", "--template", small)
    assert "git is needed and is not installed" in refusal(result, 1)
    assert files(place) == {}


def test_a_repository_that_git_does_not_trust_is_refused(small: Path, place: Path) -> None:
    (small / ".git" / "HEAD").write_text("nonsense\n")
    result = run("new", "orders", "--template", small)
    assert f"git cannot read {small}" in refusal(result, 1)
    assert files(place) == {}


# Interrupts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_while_files_are_written_leaves_nothing(
    small: Path, place: Path, number: signal.Signals
) -> None:
    marker = place.parent / "writing"
    config = small / "copier.yml"
    config.write_text(
        "_jinja_extensions:\n"
        "  - copier_template_extensions.TemplateExtensionLoader\n"
        "  - wait.py:Wait\n" + config.read_text()
    )
    (small / "wait.py").write_text(
        "import pathlib, time\n"
        "from copier_template_extensions import ContextHook\n"
        "class Wait(ContextHook):\n"
        "    def hook(self, context):\n"
        "        if context['_copier_phase'] == 'render':\n"
        "            def wait():\n"
        f"                pathlib.Path({str(marker)!r}).touch()\n"
        "                time.sleep(60)\n"
        "            context['wait'] = wait\n"
    )
    (small / "template" / "z.txt").write_text("[[ wait() ]]")
    commit(small)
    program = subprocess.Popen(
        command("new", "sub/orders", "--template", small),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not marker.exists():
        assert time.monotonic() < deadline
        assert program.poll() is None
        time.sleep(0.02)
    staged = files(place)
    assert any(name.endswith("orders.txt") for name in staged), "some files are written by now"
    assert not any(name.startswith("sub") for name in staged)

    program.send_signal(number)
    stdout, stderr = program.communicate(timeout=60)

    assert program.returncode == 128 + number
    assert (stdout, stderr) == ("", "Interrupted: nothing was written.\n")
    assert files(place) == {}


def test_an_interrupt_while_it_asks_leaves_nothing(small: Path, place: Path) -> None:
    code, shown = in_terminal(
        command("new", "orders", "--template", small), {"What is it called?": "\x03"}
    )
    assert code == 130
    assert "Interrupted: nothing was written." in shown
    assert "Traceback" not in shown
    assert files(place) == {}


# The questions


def test_questions_lists_answers_and_defaults(small: Path) -> None:
    result = run("questions", "--template", small)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("project_name=TEXT\n    What is it called? [worked out]\n")
    assert "package_name=TEXT\n     ['orders']\n" in result.stdout
    assert "framework=fastapi|flask\n" in result.stdout
    assert "docker=yes|no\n     [yes]\n" in result.stdout
    listed = json.loads(run("questions", "--template", small, "--json").stdout)
    assert [question["name"] for question in listed] == [
        *("project_name", "package_name", "framework", "docker")
    ]
    assert listed[2]["answers"] == ["fastapi", "flask"]


def test_questions_and_the_help_of_new_list_those_of_our_template() -> None:
    for arguments in (["questions"], ["new", "--help"]):
        shown = run(*arguments).stdout
        assert "database=none|sqlite|postgresql\n" in shown
        assert " A database? [sqlite]\n" in shown
        assert '[item(name: text(100) searched like "Chair", price: money' in shown
        # The template answers that one.
        assert "migrated" not in shown


# The variants


def test_variants_lists_one_numbered_line_for_each(small: Path) -> None:
    result = run("variants", "--template", small)
    assert result.exit_code == 0
    assert result.stdout == "1  fastapi\n2  fastapi-docker\n3  flask\n4  flask-docker\n"


def test_variants_as_json(small: Path) -> None:
    result = run("variants", "--template", small, "--json", "--shard", "2/3")
    (found,) = json.loads(result.stdout)
    assert found["id"].partition("-")[0] == found["answers"]["framework"]
    every = run("variants", "--template", small, "--json")
    assert found in json.loads(every.stdout)
    assert json.loads(run("variants", "--template", small, "--json", "--shard", "5/5").stdout) == []


def test_a_shard_of_the_variants_keeps_their_numbers(small: Path) -> None:
    lines = [
        run("variants", "--template", small, "--shard", f"{k}/3").stdout.splitlines()
        for k in (1, 2, 3)
    ]
    assert sorted(map(len, lines)) == [1, 1, 2]
    assert sorted(line for part in lines for line in part) == [
        "1  fastapi",
        "2  fastapi-docker",
        "3  flask",
        "4  flask-docker",
    ]


def test_variants_takes_the_template_of_the_checkout_by_default() -> None:
    assert len(run("variants").stdout.splitlines()) == len(
        json.loads(run("variants", "--json").stdout)
    )
    assert "fastapi-settings-sqlite-modular-docker" in run("variants").stdout


@pytest.mark.parametrize("part", ["0/3", "4/3", "1", "a/b", "1/0", "-1/3", "1/3/5", "", "1 / 3"])
def test_shards_that_cannot_be_are_refused(part: str) -> None:
    assert "A shard is K/N" in refusal(run("variants", "--shard", part), 2)


def test_variants_needs_a_template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "has no copier.yml" in refusal(run("variants", "--template", tmp_path), 1)
    monkeypatch.setattr(templates, "checkout", lambda: None)
    assert "name one with --template" in refusal(run("variants"), 1)


def test_variants_can_be_cut_short_by_the_reader() -> None:
    program = subprocess.Popen(command("variants"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert program.stdout is not None
    assert program.stderr is not None
    program.stdout.close()
    assert program.stderr.read() == b""
    program.stderr.close()
    program.wait(timeout=60)


# The template of this repository


@pytest.mark.parametrize("framework", ["fastapi", "flask"])
def test_new_writes_a_service(template: Path, place: Path, framework: str) -> None:
    result = run("new", "web-shop", "--template", template, "--framework", framework)

    assert result.exit_code == 0, result.stderr
    answers = remembered(place / "web-shop")
    assert answers["framework"] == framework
    assert answers["project_name"] == "Web Shop"
    assert answers["author_name"] == "Robin Example"
    main = (place / "web-shop" / "src" / "web_shop" / "main.py").read_text()
    assert "app = create_app(" in main
    assert "web_shop.main" in result.stdout or "fastapi dev" in result.stdout


@pytest.mark.usefixtures("_uv")
@pytest.mark.parametrize("settings", ["true", "false"])
@pytest.mark.parametrize(
    ("answers", "required"),
    [
        (["auth=none", "database=sqlite"], []),
        (["auth=basic"], ["BASIC_AUTH_USERNAME", "BASIC_AUTH_PASSWORD"]),
        (
            ["auth=basic", "database=postgresql", "framework=flask"],
            ["DATABASE_URL", "BASIC_AUTH_USERNAME", "BASIC_AUTH_PASSWORD"],
        ),
    ],
)
def test_the_next_steps_are_those_of_the_readme(
    template: Path, place: Path, settings: str, answers: list[str], required: list[str]
) -> None:
    given = [f"--set={answer}" for answer in (f"settings={settings}", *answers)]
    result = run("new", "orders", "--template", template, *given)

    assert result.exit_code == 0, result.stderr
    _enter, _git, *steps, _tests, _add, _commit, _copier = printed_commands(result.stdout)
    readme = (place / "orders" / "README.md").read_text()
    run_it = readme.partition("## Run it")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```console\n(.*?)^```", run_it, re.MULTILINE | re.DOTALL)
    assert steps == "".join(blocks).splitlines()
    if settings == "true":
        assert ("cp .env.example .env" in steps) == bool(required)
        example = (place / "orders" / ".env.example").read_text()
        blank = re.findall(r"^(\w+)=$", example, re.MULTILINE)
        for name in required:
            assert (name in result.stdout) == (name in blank)
    else:
        address = "postgresql://orders@127.0.0.1/orders"
        values = {"DATABASE_URL": address}
        expected = [f"export {name}={values.get(name, '...')}" for name in required]
        assert [step for step in steps if step.startswith("export")] == expected


@pytest.mark.parametrize(
    ("answer", "exit_code", "said"),
    [
        ("package_name=class", 1, "a keyword of Python"),
        ("package_name=1st", 1, "a letter first"),
        ("package_name=json", 1, "a module of Python's library"),
        ("package_name=fastapi", 1, "a package the service needs"),
        ("project_name= ", 1, "project_name must not be empty"),
        ("author_email=me", 1, "author_email must look like"),
        ("description=two\nlines", 1, "description must be one line"),
        ("framework=django", 2, "must be one of fastapi, flask"),
        ("python_version=3.8", 2, "must be one of 3.11, 3.12, 3.13, 3.14"),
        ("database=mongodb", 2, "must be one of none, sqlite, postgresql"),
        ("database=postgres", 2, "did you mean 'postgresql'?"),
        ("package_name=pyyaml", 1, "a package the service needs"),
        ("package_name=pg_shop", 1, "one that PostgreSQL reserves"),
    ],
)
def test_new_refuses_bad_answers(
    template: Path, place: Path, answer: str, exit_code: int, said: str
) -> None:
    result = run("new", "orders", "--template", template, "--set", answer)
    assert said in refusal(result, exit_code)
    assert files(place) == {}


def test_copier_alone_remembers_a_whole_path_and_says_so(
    template_repository: Path, place: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "copier", "copy", "--trust", "--defaults", ".", place / "orders"],
        cwd=template_repository,
        capture_output=True,
        text=True,
        check=True,
    )
    assert remembered(place / "orders")["_src_path"] == str(template_repository)
    said = f"The project remembers its template as {template_repository}, which is on this machine"
    assert said in done.stderr
    commit(place / "orders")
    assert run("set", "orders", "cors=yes").exit_code == 0


def test_a_service_can_be_updated(template_repository: Path, place: Path) -> None:
    result = run("new", "orders", "--template", template_repository, "--set", "database=none")
    assert (result.exit_code, result.stderr) == (0, "")
    commit(place / "orders")
    (template_repository / "template" / "later.txt").write_text("[[ project_name ]]\n")
    commit(template_repository)

    copier.run_update(place / "orders", defaults=True, overwrite=True, quiet=True, unsafe=True)

    assert (place / "orders" / "later.txt").read_text() == "Orders\n"
