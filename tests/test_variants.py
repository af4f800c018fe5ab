"""The list of variants, and the questions that it is computed from."""

from __future__ import annotations

import itertools
import math
import random
import re
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest
import yaml
from copier import run_copy

from servicewright import questions
from servicewright.errors import AnswerError, TemplateError, UsageError
from servicewright.questions import Question
from servicewright.variants import NOT_VARIED, Space, fair, shard, variants

if TYPE_CHECKING:
    from collections.abc import Iterable
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

    always = [name for name in sizes if "when" not in config[name]]

    found = variants(template)

    assert len({tuple(variant.answers.items()) for variant in found}) == len(found)
    alike = Counter(tuple(variant.answers[name] for name in always) for variant in found)
    assert len(alike) == math.prod(sizes[name] for name in always)
    for variant in found:
        assert list(variant.answers) == [name for name in sizes if name in variant.answers]
        # What is not always asked has all its answers wherever it is.
        others = [size for name, size in sizes.items() if name in variant.answers.keys() - always]
        assert alike[tuple(variant.answers[name] for name in always)] == math.prod(others)
    for name in sizes.keys() - always:
        asked = [name in variant.answers for variant in found]
        assert True in asked
        assert False in asked


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
    assert (
        found.answers.items()
        >= {
            "framework": "flask",
            "settings": True,
            "pages": False,
            "background_tasks": "none",
            "database": "sqlite",
            "auth": "basic",
            "cors": False,
            "modular": True,
            "docker": False,
        }.items()
    )


def test_a_new_question_is_in_the_list_at_once(template: Path, asking: AskingTemplate) -> None:
    config = (template / "copier.yml").read_text()
    more = asking(config + "ledger:\n  type: bool\n  default: false\n")
    assert len(variants(more)) == 2 * len(variants(template))
    assert sum("ledger" in variant.id for variant in variants(more)) == len(variants(template))


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


def test_dashes_of_answers_do_not_make_ids_the_same(asking: AskingTemplate) -> None:
    root = asking(
        """
        first: {choices: [a, a-b]}
        second: {choices: [b-c, c]}
        """
    )
    assert [variant.id for variant in variants(root)] == ["a-b_c", "a-c", "a_b-b_c", "a_b-c"]


def test_answers_that_would_be_called_the_same_are_an_error(asking: AskingTemplate) -> None:
    root = asking("place: {choices: [at-home, at_home]}")
    with pytest.raises(TemplateError, match=r"called place\.at_home: rename an answer"):
        variants(root)


# Questions that depend on other answers

CONDITIONS = """
_templates_suffix: ""
_subdirectory: template
_envops: {variable_start_string: "[[", variable_end_string: "]]"}
name: {type: str, default: x}
database: {choices: [none, sqlite, postgresql]}
admin: {type: bool, default: false, when: "[[ database != 'none' ]]"}
theme: {choices: [plain, dark], default: plain, when: "[[ admin and name == 'x' ]]"}
hidden: {type: bool, default: false, when: false}
docker: {type: bool, when: true}
"""


def test_a_question_that_is_not_asked_has_no_answer(asking: AskingTemplate) -> None:
    found = variants(asking(CONDITIONS))

    assert [variant.id for variant in found] == [
        "",
        "docker",
        "sqlite",
        "sqlite-docker",
        "sqlite-admin-plain",
        "sqlite-admin-plain-docker",
        "sqlite-admin-dark",
        "sqlite-admin-dark-docker",
        "postgresql",
        "postgresql-docker",
        "postgresql-admin-plain",
        "postgresql-admin-plain-docker",
        "postgresql-admin-dark",
        "postgresql-admin-dark-docker",
    ]
    assert found[0].answers == {"database": "none", "docker": False}
    assert found[5].answers == {
        "database": "sqlite",
        "admin": True,
        "theme": "plain",
        "docker": True,
    }


def test_a_variant_is_the_same_however_it_is_found(template: Path, asking: AskingTemplate) -> None:
    for root in (template, asking(CONDITIONS)):
        found = variants(root)
        every = list(found)
        assert [found[number] for number in range(len(found))] == every
        assert [found[-1], *found[1:3]] == [every[-1], *every[1:3]]
        assert [found.named(variant.id) for variant in every] == every
        assert [found.first(variant.answers) for variant in every] == every
        with pytest.raises(IndexError):
            found[len(every)]


@pytest.mark.parametrize("name", ["x", "admin", "docker-sqlite", "sqlite-plain", "docker-docker"])
def test_an_id_of_no_variant_is_an_error(asking: AskingTemplate, name: str) -> None:
    with pytest.raises(KeyError):
        variants(asking(CONDITIONS)).named(name)


def test_answers_that_never_meet_are_in_no_variant(asking: AskingTemplate) -> None:
    found = variants(asking(CONDITIONS))

    assert found.first({"database": "none", "admin": True}) is None
    first = found.first({"theme": "dark"})
    assert first is not None
    assert first.id == "sqlite-admin-dark"


def test_copier_asks_what_the_list_says(asking: AskingTemplate, tmp_path: Path) -> None:
    root = asking(CONDITIONS)
    (root / "template").mkdir()
    answers_file = root / "template" / "[[ _copier_conf.answers_file ]]"
    answers_file.write_text("[[ _copier_answers|to_nice_yaml ]]")

    for number, variant in enumerate(variants(root)):
        project = tmp_path / "projects" / str(number)
        run_copy(
            str(root),
            project,
            data=dict(variant.answers),
            defaults=True,
            quiet=True,
            overwrite=True,
        )
        remembered = yaml.safe_load((project / ".copier-answers.yml").read_text())
        assert remembered == {"_src_path": str(root), "name": "x", **variant.answers}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: {type: bool, when: '{{ b }}'}", "a is asked depending on b, which is no question"),
        ("a: {type: bool, when: '{{ b'}", "The condition '{{ b' of a question"),
    ],
)
def test_a_condition_that_cannot_be_is_an_error(
    asking: AskingTemplate, text: str, said: str
) -> None:
    with pytest.raises(TemplateError, match=said):
        variants(asking(text))


# Very many variants


def test_a_million_variants_take_seconds(template: Path, asking: AskingTemplate) -> None:
    options = "".join(f"option_{number}: {{type: bool}}\n" for number in range(20))
    started = time.process_time()

    alone = variants(asking(options))
    assert len(alone) == 2**20
    assert sum(1 for _ in alone) == 2**20
    part = fair(alone, "3/16")
    assert len(part) == 2**16
    looked_at = random.Random(1).sample(part, 5000)  # noqa: S311
    counted = Counter(name for number in looked_at for name in alone[number].id.split("-"))
    assert all(0.9 <= counted[name] / 2500 <= 1.1 for name in alone.values())

    # With the questions there are today they are many more, of which none is made in vain.
    more = variants(asking((template / "copier.yml").read_text() + options))
    assert len(more) == 2**20 * len(variants(template))
    sample = random.Random(1).sample(more, 1000)  # noqa: S311
    assert len({variant.id for variant in sample}) == 1000
    assert all(more.named(variant.id) == variant for variant in sample)
    assert len(fair(more, "5/1000000")) in {len(more) // 10**6, len(more) // 10**6 + 1}

    assert time.process_time() - started < 60


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
    parts = [shard("abcdefghi", f"{k}/3") for k in (1, 2, 3)]
    for part in parts:
        assert ["abc".count(part[0]), "def".count(part[1]), "ghi".count(part[2])] == [1, 1, 1]
        # Neither the first of all neighbours nor the last: what recurs in a list does not here.
        assert sorted("abcdefghi".index(item) % 3 for item in part) == [0, 1, 2]


def assert_fair(every: Space, parts: Iterable[list[int]], shares: int = 16) -> None:
    """See that each part has each answer as often as its share is, within a tenth."""
    totals = Counter(item for variant in every for item in variant.answers.items())
    for part in parts:
        counted = Counter(item for number in part for item in every[number].answers.items())
        for item, total in totals.items():
            assert 0.9 <= counted[item] / (total / shares) <= 1.1, item


def test_each_of_sixteen_shards_is_a_fair_sample(template: Path) -> None:
    every = variants(template)
    parts = [fair(every, f"{k}/16") for k in range(1, 17)]

    assert sorted(itertools.chain(*parts)) == list(range(len(every)))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert_fair(every, parts)


@pytest.mark.parametrize("shards", [1, 2, 5, 14, 20])
def test_parts_hold_each_variant_once(asking: AskingTemplate, shards: int) -> None:
    every = variants(asking(CONDITIONS))
    parts = [fair(every, f"{k}/{shards}") for k in range(1, shards + 1)]

    assert sorted(itertools.chain(*parts)) == list(range(len(every)))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize(
    "part", ["", "1", "0/1", "2/1", "1/0", "-1/2", "1/-2", "1/2/3", "x/y", "¹/2"]
)
def test_a_shard_that_is_none_is_an_error(part: str) -> None:
    with pytest.raises(UsageError, match="A shard is K/N with K from 1 to N"):
        shard([1, 2, 3], part)
    with pytest.raises(UsageError, match="A shard is K/N with K from 1 to N"):
        fair(Space([]), part)


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
    assert [size.parse(text) for text in ("1", "2.5", "Large ")] == [1, 2.5, "large"]
    with pytest.raises(AnswerError, match=r"size must be one of 1, 2\.5, large, not 'Huge'"):
        size.parse("Huge")


def test_a_free_text_is_taken_as_it_is() -> None:
    assert Question("name").parse(" yes ") == " yes "


def test_answers_are_collected_and_contradictions_refused() -> None:
    asked = [Question("name"), Question("docker", (False, True))]
    assert questions.parse_answers(asked, [("docker", "yes"), ("docker", "on")]) == {"docker": True}
    with pytest.raises(AnswerError, match="name is given twice, as a and as b"):
        questions.parse_answers(asked, [("name", "a"), ("name", "b")])
