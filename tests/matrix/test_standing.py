"""Where there are too many variants to look at each, those that are have every form of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from matrix import standing
from matrix.covering import missing
from matrix.forms import Forms
from servicewright.variants import Variant, variants

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from matrix.forms import Project
    from servicewright.variants import Variant

# Some hundred variants. A theme is asked for where there are pages.
QUESTIONS = """
_subdirectory: template
_templates_suffix: ""
_jinja_extensions:
  - copier_template_extensions.TemplateExtensionLoader
  - extension.py:Context
framework: {choices: [flask, fastapi]}
pages: {type: bool, default: false}
theme: {choices: [plain, light, dark], default: plain, when: "{{ pages }}"}
database: {choices: [none, sqlite], default: none}
cors: {type: bool, default: false}
docker: {type: bool, default: false}
one: {type: bool, default: false}
two: {type: bool, default: false}
"""
EXTENSION = """
from copier_template_extensions import ContextHook

class Context(ContextHook):
    def hook(self, context):
        context["listed"] = [name for name in ("one", "two") if context.get(name)]
        context["same"] = ["always"]
"""
# Five answers in a row decide about a form, or a list that depends on what nobody knows.
DEEP = """
{%- if cors %}{% if docker %}{% if one %}{% if two %}{% if theme == "dark" %}found{% endif %}
{%- endif %}{% endif %}{% endif %}{% endif %}
"""
FILES = {
    "plain.txt": "{{ same }}",
    "deep.txt": DEEP,
    "listed.txt": "{{ listed }}",
    "{% if docker %}{% if one %}{{ database }}{% endif %}{% endif %}.txt": "{{ cors }}",
}


LITTLE = {"ALL": 100, "AT_LEAST": 8, "STRENGTH": 2, "MOST_FORMS": 50}


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A template with files that depend on several answers."""
    (tmp_path / "template").mkdir()
    for name, text in FILES.items():
        (tmp_path / "template" / name).write_text(text)
    (tmp_path / "copier.yml").write_text(QUESTIONS)
    (tmp_path / "extension.py").write_text(EXTENSION)
    return tmp_path


def projects(template: Path) -> Callable[[Variant], Project]:
    """Give what gives projects."""
    forms = Forms(template)
    known: dict[str, Project] = {}

    def project(variant: Variant) -> Project:
        if variant.id not in known:
            known[variant.id] = forms.project(variant.answers)
        return known[variant.id]

    return project


def forms(some: list[Variant], project: Callable[[Variant], Project]) -> set[tuple[str, bytes]]:
    """Give the forms that files have in some variants."""
    return {
        (path, written.content)
        for variant in some
        for path, written in project(variant).files.items()
    }


def test_all_variants_stand_for_themselves_while_there_are_few(template: Path) -> None:
    few = variants(template)
    project = projects(template)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(standing, "ALL", len(few))
        found = standing.standing(few, project)

    assert found == standing.Standing([variant.id for variant in few], len(few), [])
    assert str(found) == f"All {len(few)} variants were rendered and read."


def test_every_form_of_a_file_is_seen(template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    every, project = variants(template), projects(template)
    for name, number in LITTLE.items():
        monkeypatch.setattr(standing, name, number)

    found = standing.standing(every, project)

    some = [every.named(name) for name in found.names]
    assert len(every) > 3 * len(some)
    assert len(set(found.names)) == len(found.names)
    assert found.all == len(every)
    assert missing(every, some, 2) == []
    # What a list depends on is not known.
    assert found.unseen == ["listed.txt"]
    assert "all its forms but listed.txt." in str(found)
    seen, all_forms = forms(some, project), forms(list(every), project)
    assert {form for form in all_forms - seen if form[0] != "listed.txt"} == set()
    # Where any two answers meet this one need not be.
    deep = ("deep.txt", b"found\n")
    assert deep in seen
    assert deep not in forms(missing(every, [], 2), project)
    # Each is there with the other framework too, to be compared.
    assert {name.partition("-")[2] for name in found.names[:8] if name.startswith("flask")} == {
        name.partition("-")[2] for name in found.names[:8] if name.startswith("fastapi")
    }


def test_what_has_too_many_forms_is_named(template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, number in LITTLE.items():
        monkeypatch.setattr(standing, name, number)
    monkeypatch.setattr(standing, "MOST_FORMS", 2)

    found = standing.standing(variants(template), projects(template))

    assert "deep.txt" in found.unseen
    assert "plain.txt" not in found.unseen
