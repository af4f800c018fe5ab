"""What is rendered once for all that read the same is what Copier writes."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import copier
import pytest

from matrix.covering import small_set
from matrix.forms import Forms
from matrix.rendering import SAME_ANSWERS, cheap_copies
from servicewright.variants import variants

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

QUESTIONS = """
_subdirectory: template
_templates_suffix: ""
_exclude: ["/left_out*"]
_envops: {undefined: jinja2.StrictUndefined}
_jinja_extensions:
  - copier_template_extensions.TemplateExtensionLoader
  - extension.py:Context
one: {type: bool, default: false}
other: {type: bool, default: false}
word: {type: str, default: usual}
many: {type: yaml, default: [a]}
"""
EXTENSION = """
from copier_template_extensions import ContextHook

class Context(ContextHook):
    def hook(self, context):
        context["when"] = {name: "." if context.get(name) else "" for name in ("one", "other")}
        context["texts"] = [f"text {word}" for word in context.get("many") or []]
"""
FILES = {
    "plain.txt": "nothing is looked up",
    "word.txt": "{{ word }}",
    "first.txt": "{% if when.one %}{{ word }}{% endif %}",
    "nested.txt": "{% if when.one %}{% if when.other %}both{% endif %}{% else %}none{% endif %}",
    "loop.txt": "{% for text in texts %}{{ loop.index }} {{ text }} {{ when.one }}{% endfor %}",
    "own.txt": "{% set word = when.other or 'off' %}{{ word }}",
    "macro.txt": "{% macro m(x) %}{{ x if when.other else word }}{% endmacro %}{{ m(1) }}",
    "includes.txt": "{% for name in ['part.txt'] %}{% include 'template/' ~ name %}{% endfor %}",
    "part.txt": "{{ word }} {{ texts }}",
    "{{ when.one }}/{{ when.other }}/both/file.txt": "{{ word }}",
    "{{ when.other }}/empty when one is off/{% if one %}x{% endif %}": "x",
    "{% yield each from texts %}{{ each }}{% endyield %}.txt": "{{ each }} {{ when.one }}",
    "left_out.txt": "{{ word }}",
    "{{ _copier_conf.answers_file }}": "{{ _copier_answers | to_nice_yaml }}",
}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A template with files that look things up in all ways."""
    root = tmp_path / "small"
    for name, content in FILES.items():
        path = root / "template" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (root / "template" / "no_text.bin").write_bytes(b"\xff\xfe")
    (root / "template" / "word.txt").chmod(0o755)
    (root / "copier.yml").write_text(QUESTIONS)
    (root / "extension.py").write_text(EXTENSION)
    return root


def copied(template: Path, destination: Path, answers: Mapping[str, Any]) -> Path:
    """Have Copier write a project."""
    copier.run_copy(
        str(template), destination, data=dict(answers), defaults=True, quiet=True, unsafe=True
    )
    return destination


def contents(directory: Path) -> dict[str, object]:
    """Give all that is in a directory."""
    return {
        path.relative_to(directory).as_posix(): (
            path.is_dir() or path.read_bytes(),
            path.stat().st_mode,
        )
        for path in directory.rglob("*")
    }


def answers_to_all(word: str = "usual") -> list[dict[str, Any]]:
    """Give all answers to the questions of the small template, but for its word."""
    return [
        {"one": one, "other": other, "many": many, "word": word}
        for one in (False, True)
        for other in (False, True)
        for many in ([], ["b", "c"])
    ]


def test_projects_are_those_of_copier_in_any_order(small: Path, tmp_path: Path) -> None:
    forms = Forms(small)
    several = [*answers_to_all(), *answers_to_all("other")]
    expected = [
        contents(copied(small, tmp_path / f"copied-{number}", answers))
        for number, answers in enumerate(several)
    ]
    for number in (*range(len(several)), *reversed(range(len(several)))):
        shutil.rmtree(tmp_path / "project", ignore_errors=True)
        forms.project(several[number]).write(tmp_path / "project")

        assert contents(tmp_path / "project") == expected[number], several[number]


def test_what_is_looked_up_is_known(small: Path) -> None:
    looks = Forms(small).project({"one": True, "other": False}).looks

    assert set(looks["plain.txt"]) == set()
    # Jinja looks up variables at the beginning, but not what is in them.
    assert set(looks["first.txt"]) == {("when", "one"), ("word",)}
    assert set(looks["nested.txt"]) == {("when", "one"), ("when", "other")}
    assert set(looks["own.txt"]) == {("when", "other")}
    assert set(looks["includes.txt"]) == {("word",), ("texts",)}
    both = looks["{{ when.one }}/{{ when.other }}/both/file.txt"]
    assert set(both) == {("when", "one"), ("when", "other")}
    assert set(Forms(small).project({"one": False}).looks["nested.txt"]) == {("when", "one")}


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("template/part.txt", "{{ word }}", "{{ word }}!"),
        ("copier.yml", "usual", "unusual"),
        ("extension.py", 'f"text', 'f"word'),
    ],
)
def test_a_template_that_is_changed_is_read_again(
    small: Path, tmp_path: Path, path: str, old: str, new: str
) -> None:
    forms = Forms(small)
    before = forms.project({})
    changed = small / path
    changed.write_text(changed.read_text().replace(old, new))

    forms.project({}).write(tmp_path / "after")

    assert forms.project({}).files != before.files
    assert contents(tmp_path / "after") == contents(copied(small, tmp_path / "copied", {}))


def test_answers_that_are_refused_are_refused(template: Path) -> None:
    with pytest.raises(ValueError, match="package_name takes a-z"):
        Forms(template).project(SAME_ANSWERS | {"package_name": "No name"})


def test_variants_are_those_of_copier(template: Path, tmp_path: Path) -> None:
    forms = Forms(template)
    # Of others much is known then that these look up.
    for variant in small_set(variants(template), 3):
        forms.project({**SAME_ANSWERS, **variant.answers})
    for variant in small_set(variants(template), 2):
        answers = {**SAME_ANSWERS, **variant.answers}
        forms.project(answers).write(tmp_path / variant.id)
        with cheap_copies():
            expected = copied(template, tmp_path / f"{variant.id}-copied", answers)

        assert contents(tmp_path / variant.id) == contents(expected)
