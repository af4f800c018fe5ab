"""Variants are proved, what was proved is written down, and nothing else is called proved."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from commands import refusal, run
from hypothesis import given
from hypothesis import strategies as st
from repositories import commit
from schemas import check_schema

from matrix import failures, static
from matrix.environments import installed
from matrix.plugin import CACHE, ROOT
from matrix.rendering import PACKAGE, SAME_ANSWERS, Tree, render
from servicewright import proofs, templates
from servicewright.causes import Cause, causes
from servicewright.proofs import Circumstances, Manifest, Proof, constraints, tree_hash
from servicewright.variants import variants

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matrix.environments import Environments
    from matrix.rendering import Renderer
    from servicewright.questions import Answer
    from servicewright.variants import Variant

    Answers: TypeAlias = Mapping[str, Answer]

# The answers that the two smallest variants share.
SMALLEST = """
settings=no pages=no background_tasks=none database=none auth=none cors=no modular=yes docker=no
telemetry=no tooling=none
""".split()
# What tests leave as it is that need some variants only.
ASIDE = {
    "settings": True,
    "background_tasks": "none",
    "telemetry": False,
    "modular": True,
    "docker": False,
    "tooling": "none",
}
SCHEMA = ROOT / "src" / "servicewright" / "proof.schema.json"


def some_variants() -> list[Variant]:
    """List some hundred variants."""
    return [variant for variant in variants(ROOT) if ASIDE.items() <= variant.answers.items()]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Copy the repository, without its history."""
    copy = tmp_path / "repository"
    copy.mkdir()
    for name in ("copier.yml", "conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, copy)
    ignored = shutil.ignore_patterns("__pycache__", ".*_cache", "proof.json")
    for name in ("extensions", "src", "template", "tests"):
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    return copy


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache with the environments of other runs, in which no suite has passed yet."""
    own = tmp_path / "cache"
    own.mkdir()
    for name in ("environments", "mypy"):
        (CACHE / name).mkdir(exist_ok=True)
        (own / name).symlink_to(CACHE / name)
    return own


def prove(repository: Path, cache: Path) -> subprocess.Popen[str]:
    """Start to prove the two smallest variants of a repository."""
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "servicewright", "prove", *SMALLEST),
            *("--output", str(repository.parent / "proof.json")),
        ],
        env={
            **{key: value for key, value in os.environ.items() if "PYTEST" not in key},
            "PYTHONPATH": str(repository / "src"),
            "MATRIX_CACHE": str(cache),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def is_valid(manifest: Path) -> bool:
    """Check a manifest by the schema."""
    return check_schema(SCHEMA, [manifest]) == ""


def ended(repository: Path, cache: Path) -> tuple[int, str, int]:
    """Prove the two smallest variants.

    Returns:
        The exit code, what is said, and how many suites had passed in an earlier run.
    """
    process = prove(repository, cache)
    output, _ = process.communicate(timeout=300)
    earlier = re.search(r"(\d+) as one that passed in an earlier run", output)
    assert earlier, output
    return process.returncode, output, int(earlier[1])


# One test, because each of its runs goes on from the one before: suites take their time.
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_variants_are_proved_after_an_interrupt_and_one_that_breaks_is_told(
    repository: Path, cache: Path, tmp_path: Path, renderer: Renderer, environments: Environments
) -> None:
    health = next((repository / "template").glob("*flask*/*modular*/**/routes/health.py"))
    whole = health.read_text()
    health.write_text(whole.replace('"ok"', '"ill"'))
    assert health.read_text() != whole

    # While the first suite has passed and the second is run.
    first = prove(repository, cache)
    deadline = time.monotonic() + 240
    while not list((cache / "passed").glob("*/reads-*.json")):
        assert first.poll() is None, first.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    first.send_signal(signal.SIGINT)
    output, _ = first.communicate(timeout=60)
    assert first.returncode == 130, output
    assert output.endswith("Interrupted: the same command goes on from here.\n")
    assert proofs.read(tmp_path / "proof.json").proofs.keys() == {"fastapi-modular"}

    code, output, earlier = ended(repository, cache)
    assert (code, earlier) == (1, 1), output
    assert "1 of 2 variants are proved, 1 fail." in output
    assert "What fails: framework=flask (1 fail)" in output
    assert is_valid(tmp_path / "proof.json")
    found = proofs.read(tmp_path / "proof.json").proofs
    assert found.keys() == {"fastapi-modular", "flask-modular"}
    assert found["fastapi-modular"].problems == ()
    assert "pytest ended with status 1." in found["flask-modular"].problems

    # What the manifest says of other variants stays, if there are such variants.
    others = {name: replace(found["flask-modular"], id=name) for name in ("flask", "gone")}
    proofs.write(tmp_path / "proof.json", Manifest(SAME_ANSWERS, {**found, **others}))
    health.write_text(whole)

    code, output, earlier = ended(repository, cache)
    assert (code, earlier) == (0, 1), output
    assert "2 of 2 variants are proved, 0 fail." in output
    assert is_valid(tmp_path / "proof.json")
    manifest = proofs.read(tmp_path / "proof.json")
    assert manifest.common == SAME_ANSWERS
    assert manifest.proofs.keys() == {"fastapi-modular", "flask-modular", "flask"}
    for name in ("fastapi-modular", "flask-modular"):
        tree = renderer.tree(name)
        about = manifest.proofs[name]
        assert (about.problems, about.answers) == ((), tree.variant.answers)
        assert about.tree == tree_hash(tree.files)
        assert about.requirements == installed(environments.get(tree.requirements))
        assert about.version(str(about.answers["framework"])) is not None
        assert about.tests > 100
        assert about.circumstances.commit is None
        assert about.circumstances.python == ".".join(map(str, sys.version_info[:3]))
    assert "://" not in (tmp_path / "proof.json").read_text()


# The manifest


def proof(framework: str, tree: str, *requirements: str, **others: Any) -> Proof:
    """Give a proof that is made up."""
    circumstances = Circumstances(
        version="0.1.0",
        commit="c" * 40,
        python="3.11.7",
        system="linux x86_64",
        resolution="highest",
        checks=("pytest",),
        tools={"ruff": "0.17.6"},
    )
    about: dict[str, Any] = {"tests": 230, "date": "2026-11-29"}
    return Proof(
        id=framework,
        answers={"framework": framework, "docker": True},
        tree=tree,
        requirements=requirements,
        circumstances=circumstances,
        **about | others,
    )


def test_a_manifest_is_read_as_it_was_written_and_fits_the_schema(tmp_path: Path) -> None:
    path = tmp_path / "proof.json"
    manifest = Manifest(
        SAME_ANSWERS,
        {
            "flask": proof("flask", "1" * 64, "click==8.5.1", "flask==3.1.3"),
            "fastapi": proof("fastapi", "2" * 64, problems=("It does not start.",), tests=0),
        },
    )
    proofs.write(path, manifest)

    assert proofs.read(path) == manifest
    assert is_valid(path)
    loaded = json.loads(path.read_text())
    assert len(loaded["circumstances"]) == 1
    assert list(tmp_path.iterdir()) == [path]

    for damage in (
        {"result": "passed", "tests": 0},
        {"result": "failed", "problems": None},
        {"tree": "short"},
        {"date": 20261129},
    ):
        damaged = json.loads(path.read_text())
        line = damaged["variants"]["flask"] | damage
        damaged["variants"]["flask"] = {name: each for name, each in line.items() if each}
        path.with_name("damaged.json").write_text(json.dumps(damaged))
        assert not is_valid(path.with_name("damaged.json")), damage


def test_a_line_of_a_manifest_is_small(tmp_path: Path) -> None:
    every = some_variants()
    needed = tuple(f"requirement-{number}==1.{number}.0" for number in range(50))
    manifest = {
        variant.id: replace(
            proof("flask", "1" * 64, *needed), id=variant.id, answers=variant.answers
        )
        for variant in every
    }
    proofs.write(tmp_path / "proof.json", Manifest(SAME_ANSWERS, manifest))

    assert (tmp_path / "proof.json").stat().st_size < len(every) * 600


def test_the_hash_of_a_tree_is_what_sha256sum_gives(renderer: Renderer) -> None:
    tree = renderer.tree("flask-modular")
    typed = "find * .[!.]* -type f ! -name .copier-answers.yml | LC_ALL=C sort | xargs sha256sum"
    listed = subprocess.run(
        ["sh", "-c", f"{typed} | sha256sum"],
        cwd=tree.path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert tree_hash(tree.files) == listed.stdout.split()[0]
    other = {**tree.files, "README.md": tree.files["README.md"] + b"\n"}
    assert tree_hash(other) != tree_hash(tree.files)


def test_what_is_wrong_with_types_is_told_of_each_variant_that_has_it(
    template: Path, tmp_path: Path
) -> None:
    every = variants(template)
    trees = []
    for name in ("flask-modular", "flask-pages-modular", "fastapi-modular"):
        render(template, tmp_path / name, dict(every.named(name).answers))
        trees.append(Tree(every.named(name), tmp_path / name))

    shared, own = f"src/{PACKAGE}/items.py", f"src/{PACKAGE}/errors.py"
    neutral = static.affected([f"flask-modular: {shared}:1: error: Wrong."], trees)
    of_flask = static.affected([f"flask-modular: {own}:1: error: Wrong."], trees)

    assert neutral.keys() == {tree.variant.id for tree in trees}
    assert of_flask.keys() == {"flask-modular", "flask-pages-modular"}
    assert of_flask["flask-modular"] == [f"mypy: {own}:1: error: Wrong."]
    assert len(static.affected([": mypy ended with status 2"], trees)) == 3


# What `new` says


TEMPLATE = """
_subdirectory: template
_templates_suffix: ""
project_name: {type: str, default: "{{ _folder_name }}"}
framework: {type: str, choices: [fastapi, flask], default: fastapi}
docker: {type: bool, default: true}
resources: {type: yaml, ask: false, default: [item]}
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Write a small template, and commit it."""
    root = tmp_path / "small"
    (root / "template").mkdir(parents=True)
    (root / "copier.yml").write_text(TEMPLATE)
    answers = root / "template" / "{{ _copier_conf.answers_file }}"
    answers.write_text("{{ _copier_answers | to_nice_yaml }}")
    (root / "template" / "name.txt").write_text("{{ project_name }}: {{ framework }}\n")
    commit(root)
    return root


@pytest.fixture
def carried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have the package carry the proof of the small template's variant with Flask."""
    path = tmp_path / "carried.json"
    monkeypatch.setattr(proofs, "CARRIED", path)
    proved = proof("flask", tree_hash({"name.txt": b"Example: flask\n"}), "flask==3.1.3")
    proofs.write(path, Manifest({"project_name": "Example"}, {"flask": proved}))
    return path


def made(small: Path, *options: str) -> str:
    """Make a project and give the second line of what is said, without what follows it."""
    place = small.parent / "project"
    shutil.rmtree(place, ignore_errors=True)
    result = run("new", place, "--defaults", "--template", small, *options)
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()[1]


def test_new_says_how_the_variant_was_proved(small: Path, carried: Path) -> None:
    assert carried.exists()
    assert made(small, "--framework", "flask", "--set", "project_name=Own") == (
        "Its parts were proved on 2026-11-29 with Flask 3.1.3 on Python 3.11.7: 230 tests passed. "
        "`servicewright constraints` lists all versions."
    )


def test_another_variant_or_another_byte_is_not_called_proved(small: Path, carried: Path) -> None:
    assert "proved" in made(small, "--framework", "flask")
    assert "proved" not in made(small, "--framework", "fastapi")
    assert "proved" not in made(small, "--framework", "flask", "--set", "docker=no")

    # Data makes no variants, and need not show in the files that were proved.
    assert "proved" not in made(small, "--framework", "flask", "--set", "resources=[]")
    assert "proved" in made(small, "--framework", "flask", "--set", "resources=[item]")

    name = small / "template" / "name.txt"
    whole = name.read_text()
    name.write_text(whole + "\n")
    assert "proved" not in made(small, "--framework", "flask")
    name.write_text(whole)
    assert "proved" in made(small, "--framework", "flask")
    (small / "template" / "more.txt").touch()
    assert "proved" not in made(small, "--framework", "flask")
    (small / "template" / "more.txt").unlink()

    manifest = proofs.read(carried)
    failed = replace(manifest.proofs["flask"], problems=("It fails.",))
    proofs.write(carried, Manifest(manifest.common, {"flask": failed}))
    assert "proved" not in made(small, "--framework", "flask")


@pytest.mark.parametrize("text", ["", "[]", '{"variants": 1}', "{"])
def test_a_manifest_that_cannot_be_read_does_not_hinder_new(
    small: Path, carried: Path, text: str
) -> None:
    carried.write_text(text)
    assert "proved" not in made(small, "--framework", "flask")
    assert "is no manifest that `servicewright prove`" in refusal(run("constraints"), 1)


# Constraints


def test_constraints_allow_what_was_proved() -> None:
    some = [
        proof("flask", "1" * 64, "click==8.9", "flask==3.1.3"),
        proof("fastapi", "2" * 64, "click==8.10", "fastapi==0.165.0"),
        proof("broken", "3" * 64, "click==9.0", "other==1.0", problems=("It fails.",)),
    ]
    assert constraints(some) == ["click>=8.9,<=8.10", "fastapi==0.165.0", "flask==3.1.3"]


def test_uv_takes_the_constraints(carried: Path, tmp_path: Path) -> None:
    proved = proof("flask", "1" * 64, "click==8.2.1", "flask==3.1.2")
    proofs.write(carried, Manifest({}, {"flask": proved}))
    (tmp_path / "constraints.txt").write_text(run("constraints").stdout)
    project = tmp_path / "own"
    project.mkdir()
    declared = '[project]\nname = "own"\nversion = "1"\nrequires-python = ">=3.11"\n'
    declared += 'dependencies = [\n    "flask>=3.1,<4",\n]\n'
    (project / "pyproject.toml").write_text(declared)

    # As the README says it.
    add = ["uv", "add", "--no-sync", "--constraints", "../constraints.txt", "flask"]
    subprocess.run(add, cwd=project, check=True, capture_output=True)
    subprocess.run(["uv", "lock", "--check"], cwd=project, check=True, capture_output=True)

    assert (project / "pyproject.toml").read_text() == declared
    locked = (project / "uv.lock").read_text()
    assert 'name = "click"\nversion = "8.2.1"' in locked
    assert 'name = "flask"\nversion = "3.1.2"' in locked


def test_without_a_proof_there_are_no_constraints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proofs, "CARRIED", tmp_path / "none.json")
    assert "carries no proof" in refusal(run("constraints"), 1)


# What is refused


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["project_name=Own"], "project_name makes no variants: choose them by framework, "),
        (["flask"], "An answer is given as KEY=VALUE, not flask."),
        (["framework=flasc"], "did you mean 'flask'?"),
        (["--shard", "3/2"], "A shard is K/N"),
        ([*SMALLEST, "framework=flask", "--shard", "3/3"], "none in 3/3"),
        (["--output", "nowhere/proof.json"], "nowhere is no directory"),
    ],
)
def test_what_cannot_be_proved_is_refused(arguments: list[str], said: str) -> None:
    assert said in refusal(run("prove", *arguments), 2)


def test_a_file_that_is_no_manifest_is_not_written_over(tmp_path: Path) -> None:
    own = tmp_path / "own.json"
    own.write_text('{"mine": true}')
    assert "is no manifest" in refusal(run("prove", "--output", own), 1)
    assert own.read_text() == '{"mine": true}'


def test_without_the_repository_it_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "checkout", lambda: None)
    assert "run `uv run servicewright prove` in a clone" in refusal(run("prove"), 1)


# The smallest sets


def answers_of(*wanted: str) -> list[Answers]:
    """List the answers of the variants whose id has one of some parts."""
    return [
        dict(variant.answers)
        for variant in some_variants()
        if any(set(part.split("-")) <= set(variant.id.split("-")) for part in wanted)
    ]


def others_than(failing: list[Answers]) -> list[Answers]:
    """List the answers of all other variants."""
    every = [dict(variant.answers) for variant in some_variants()]
    return [answers for answers in every if answers not in failing]


def test_what_all_that_fail_share_and_none_that_passes_has() -> None:
    failing = answers_of("flask-postgresql")
    (cause,) = causes(failing, others_than(failing))

    assert cause == Cause(({"framework": "flask", "database": "postgresql"},), len(failing))
    assert str(cause) == f"framework=flask database=postgresql ({len(failing)} fail)"


def test_each_of_several_causes_is_found_the_widest_first() -> None:
    failing = answers_of("cors", "pages-basic-postgresql")
    wide, narrow = causes(failing, others_than(failing))

    assert wide == Cause(({"cors": True},), len(answers_of("cors")))
    others = len(failing) - wide.count
    assert narrow.sets == ({"pages": True, "database": "postgresql", "auth": "basic"},)
    # Those with both are explained by the wider one.
    assert others <= narrow.count <= 2 * others


def test_where_little_was_run_all_the_smallest_sets_are_told() -> None:
    failing: list[Answers] = [{"framework": "flask", "cors": True, "docker": True}]
    passing: list[Answers] = [{"framework": "fastapi", "cors": False, "docker": True}]
    (cause,) = causes(failing, passing)

    assert cause == Cause(({"framework": "flask"}, {"cors": True}), 1)
    assert str(cause) == "framework=flask or cors=yes (1 fail)"


def test_where_all_fail_or_none() -> None:
    failing = answers_of("flask")
    (cause,) = causes(failing, [])
    assert str(cause) == f"every variant ({len(failing)} fail)"
    assert causes([], answers_of("flask")) == []


def test_a_question_that_is_not_always_asked_is_no_answer() -> None:
    failing: list[Answers] = [{"database": "sqlite", "admin": True}]
    passing: list[Answers] = [{"database": "none"}, {"database": "sqlite", "admin": False}]

    assert causes(failing, passing) == [Cause(({"admin": True},), 1)]


EVERY = [
    {"framework": framework, "cors": cors, "database": database}
    for framework in ("fastapi", "flask")
    for cors in (False, True)
    for database in ("none", "sqlite", "postgresql")
]


@given(st.lists(st.sampled_from(["fails", "passes", "was not run"]), min_size=12, max_size=12))
def test_causes_explain_all_that_fails_and_nothing_else_and_are_the_smallest(
    ends: list[str],
) -> None:
    failing = [answers for answers, end in zip(EVERY, ends, strict=True) if end == "fails"]
    passing = [answers for answers, end in zip(EVERY, ends, strict=True) if end == "passes"]
    found = causes(failing, passing)

    def having(some: Answers, variants: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [answers for answers in variants if some.items() <= answers.items()]

    for cause in found:
        for some in cause.sets:
            assert having(some, passing) == []
            assert len(having(some, failing)) == cause.count > 0
            for name in some:
                fewer = {other: answer for other, answer in some.items() if other != name}
                assert having(fewer, passing)
        assert len({len(some) for some in cause.sets}) == 1
    explained = [answers for cause in found for answers in having(cause.sets[0], failing)]
    assert all(answers in explained for answers in failing)
    # There are several only where no single one explains all.
    shared = dict(set.intersection(*(set(answers.items()) for answers in failing or [{}])))
    assert len(found) <= 1 or having(shared, passing)


def test_an_issue_tells_what_fails_how_often_and_how_to_see_it() -> None:
    every = some_variants()
    found = [
        replace(
            proof("", "1" * 64, problems=problems),
            id=variant.id,
            answers=variant.answers,
            circumstances=replace(proof("", "").circumstances, resolution=resolution),
        )
        for resolution in failures.RESOLUTIONS
        for variant in every
        for broken in [resolution != "highest" and "cors" in variant.id.split("-")]
        for problems in [("It fails.\nBadly.",) if broken else ()]
    ]
    text = failures.report(found, len(every))

    assert "## Versions: highest" not in text
    half = len(every) // 2
    told = f"{half} of {len(every)} variants fail, {half} pass."
    assert f"## Versions: lowest-direct\n\n{told}" in text
    assert f"\n- cors=yes ({half} fail)\n" in text
    assert "\n    It fails.\n    Badly.\n" in text
    assert re.search(r"Again: `uv run servicewright prove (\w+=\w+ )+--lowest`", text)

    assert failures.report([each for each in found if each.problems == ()][:1], 1) != ""
    passing = [replace(each, problems=()) for each in found]
    assert failures.report(passing, len(every)) == ""
    missing = failures.report(passing[:-10], len(every))
    assert "10 were not run to an end" in missing
