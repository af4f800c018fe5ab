"""The list of variants, and the questions that it is computed from."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest
import yaml

from servicewright import questions
from servicewright.errors import AnswerError, TemplateError, UsageError
from servicewright.questions import Question
from servicewright.variants import NOT_VARIED, shard, variants

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def asking(tmp_path: Path) -> AskingTemplate:
    """Give what writes a template that asks certain questions."""
    return AskingTemplate(tmp_path)


class AskingTemplate:
    """Writes copier.yml into a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __call__(self, text: str) -> Path:
        """Write the file and give the directory."""
        (self._directory / "copier.yml").write_text(text)
        return self._directory


# The template of this repository


def test_every_combination_of_answers_is_a_variant(template: Path) -> None:
    config = yaml.safe_load((template / "copier.yml").read_text())
    sizes = {
        name: len(details.get("choices", (False, True)))
        for name, details in config.items()
        if not name.startswith("_") and (details.get("choices") or details["type"] == "bool")
    }
    for name in NOT_VARIED:
        del sizes[name]

    found = variants(template)

    assert len(found) == math.prod(sizes.values())
    assert {tuple(variant.answers) for variant in found} == {tuple(sizes)}
    assert len({tuple(variant.answers.items()) for variant in found}) == len(found)
    for name, size in sizes.items():
        counts = Counter(variant.answers[name] for variant in found)
        assert len(counts) == size
        assert set(counts.values()) == {len(found) // size}


def test_ids_tell_variants_apart_and_fit_file_names(template: Path) -> None:
    ids = [variant.id for variant in variants(template)]
    assert len(set(ids)) == len(ids)
    for id_ in ids:
        assert re.fullmatch(r"(fastapi|flask)(-[a-z0-9_.]+)*", id_)
    assert ids[0] == "fastapi"


def test_an_id_says_what_is_on(template: Path) -> None:
    (found,) = (
        variant
        for variant in variants(template)
        if variant.id == "flask-settings-sqlite-basic-modular"
    )
    assert found.answers == {
        "framework": "flask",
        "settings": True,
        "pages": False,
        "background_tasks": "none",
        "database": "sqlite",
        "auth": "basic",
        "cors": False,
        "modular": True,
        "docker": False,
    }


def test_a_new_question_is_in_the_list_at_once(template: Path, asking: AskingTemplate) -> None:
    config = (template / "copier.yml").read_text()
    more = asking(config + "admin:\n  type: bool\n  default: false\n")
    assert len(variants(more)) == 2 * len(variants(template))
    assert sum("admin" in variant.id for variant in variants(more)) == len(variants(template))


def test_every_question_that_is_not_varied_is_asked(template: Path) -> None:
    asked = {question.name for question in questions.read(template) if question.answers}
    assert asked >= set(NOT_VARIED)


# Templates of every shape


def test_all_forms_of_closed_questions_are_varied(asking: AskingTemplate) -> None:
    root = asking(
        """
        _settings: [1, 2]
        name: {type: str}
        python_version: {type: str, choices: ["3.11", "3.12"]}
        size: {type: int, choices: [1, 2]}
        place: {choices: [[At home, home], [Away, away]]}
        mode: {type: str, choices: {Off: none, Fast: {value: fast, validator: ""}}}
        docker: true
        words: {type: str, default: "true"}
        many: {type: str, multiselect: true, choices: [a, b]}
        computed: {type: str, choices: "[[ other ]]"}
        """
    )
    assert [variant.id for variant in variants(root)] == [
        "1-home",
        "1-home-docker",
        "1-home-fast",
        "1-home-fast-docker",
        "1-away",
        "1-away-docker",
        "1-away-fast",
        "1-away-fast-docker",
        "2-home",
        "2-home-docker",
        "2-home-fast",
        "2-home-fast-docker",
        "2-away",
        "2-away-docker",
        "2-away-fast",
        "2-away-fast-docker",
    ]
    assert variants(root)[3].answers == {"size": 1, "place": "home", "mode": "fast", "docker": True}


def test_answers_of_the_same_name_are_told_apart(asking: AskingTemplate) -> None:
    root = asking(
        """
        cache: {choices: [none, redis, memory]}
        queue: {choices: [none, redis]}
        memory: {type: bool}
        """
    )
    assert [variant.id for variant in variants(root)] == [
        "",
        "memory.True",
        "queue.redis",
        "queue.redis-memory.True",
        "cache.redis",
        "cache.redis-memory.True",
        "cache.redis-queue.redis",
        "cache.redis-queue.redis-memory.True",
        "cache.memory",
        "cache.memory-memory.True",
        "cache.memory-queue.redis",
        "cache.memory-queue.redis-memory.True",
    ]


def test_ids_that_would_be_the_same_are_an_error(asking: AskingTemplate) -> None:
    root = asking(
        """
        first: {choices: [a, a-b]}
        second: {choices: [b-c, c]}
        """
    )
    with pytest.raises(TemplateError, match="have the same id: rename an answer"):
        variants(root)


@pytest.mark.parametrize(
    ("text", "said"), [("a: [", "cannot be read"), ("", "asks no questions"), ("- a", "asks no")]
)
def test_a_template_without_questions_is_an_error(
    asking: AskingTemplate, text: str, said: str
) -> None:
    with pytest.raises(TemplateError, match=said):
        variants(asking(text))


def test_a_directory_without_a_template_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"is not a template: it has no copier\.yml"):
        variants(tmp_path)


# Shards


@pytest.mark.parametrize("shards", [1, 2, 3, 7, 8, 12])
def test_shards_hold_each_item_once_and_are_of_like_size(shards: int) -> None:
    items = list(range(10))
    parts = [shard(items, f"{k}/{shards}") for k in range(1, shards + 1)]
    assert sorted(itertools.chain(*parts)) == items
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1


def test_neighbours_are_in_different_shards() -> None:
    assert shard("abcdefg", "2/3") == ["b", "e"]


@pytest.mark.parametrize(
    "part", ["", "1", "0/1", "2/1", "1/0", "-1/2", "1/-2", "1/2/3", "x/y", "¹/2"]
)
def test_a_shard_that_is_none_is_an_error(part: str) -> None:
    with pytest.raises(UsageError, match="A shard is K/N with K from 1 to N"):
        shard([1, 2, 3], part)


# Answers as they are typed


@pytest.mark.parametrize("word", ["yes", "Y", "true", "True", "on", "1", " t "])
def test_words_for_yes(word: str) -> None:
    assert Question("docker", (False, True)).parse(word) is True


@pytest.mark.parametrize("word", ["no", "N", "false", "FALSE", "off", "0", "f"])
def test_words_for_no(word: str) -> None:
    assert Question("docker", (False, True)).parse(word) is False


@pytest.mark.parametrize("word", ["", "maybe", "2", "none", "null"])
def test_other_words_are_neither(word: str) -> None:
    with pytest.raises(AnswerError, match="write docker=yes or docker=no"):
        Question("docker", (False, True)).parse(word)


def test_a_choice_is_given_by_its_value() -> None:
    size = Question("size", (1, 2.5, "large"))
    assert [size.parse(text) for text in ("1", "2.5", "large")] == [1, 2.5, "large"]
    with pytest.raises(AnswerError, match=r"size must be one of 1, 2\.5, large, not 'Large'"):
        size.parse("Large")


def test_a_free_text_is_taken_as_it_is() -> None:
    assert Question("name").parse(" yes ") == " yes "


def test_answers_are_collected_and_contradictions_refused() -> None:
    asked = [Question("name"), Question("docker", (False, True))]
    assert questions.parse_answers(asked, [("docker", "yes"), ("docker", "on")]) == {"docker": True}
    with pytest.raises(AnswerError, match="name is given twice, as a and as b"):
        questions.parse_answers(asked, [("name", "a"), ("name", "b")])
