"""What a template asks, as far as its answers can be known before Copier runs."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import jinja2
import jinja2.meta
import yaml

from servicewright import migrations, resources
from servicewright.errors import AnswerError, TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

Answer: TypeAlias = str | bool | int | float

# Copier takes these words, and makes True of every other word.
YES = frozenset({"1", "on", "t", "true", "y", "yes"})
NO = frozenset({"0", "f", "false", "n", "no", "off"})


class Condition:
    """When a question is asked, in terms of the answers before it.

    Args:
        when: What copier.yml says: yes, no, or a template.
        options: The options of the template's environment.

    Raises:
        TemplateError: It is no template.
    """

    def __init__(self, when: Any, options: Mapping[str, Any] | None = None) -> None:
        environment = jinja2.Environment(  # noqa: S701 - gives yes or no, no page
            **{**(options or {}), "undefined": jinja2.StrictUndefined}
        )
        try:
            self._template = environment.from_string(str(when))
            parsed = environment.parse(str(when))
        except jinja2.TemplateSyntaxError as error:
            raise TemplateError(f"The condition {when!r} of a question: {error}.") from error
        # The questions whose answers it depends on.
        self.names = frozenset(jinja2.meta.find_undeclared_variables(parsed))
        self._known: dict[tuple[object, ...], bool] = {}

    def holds(self, answers: Mapping[str, object]) -> bool:
        """Say whether the question is asked with these answers to the questions it depends on."""
        key = tuple(answers[name] for name in sorted(self.names))
        if key not in self._known:
            self._known[key] = self._template.render(answers).strip().lower() in YES
        return self._known[key]


@dataclass(frozen=True)
class Question:
    """A question of copier.yml.

    Attributes:
        name: The name under which the answer is remembered.
        answers: Every answer it takes, in the order of copier.yml; None when any text may do.
        default: The answer where it is not asked.
        condition: When it is asked.
        help: What is asked.
        labels: What the answers are called, in their order, where they are listed.
        is_asked: Whether it is asked at all: some are only answered by who knows them.
        is_data: Whether the answer is data, which is typed as YAML.
    """

    name: str
    answers: tuple[Answer, ...] | None = None
    default: Any = None
    condition: Condition = field(default_factory=lambda: Condition("true"), compare=False)
    help: str = ""
    labels: tuple[str, ...] = ()
    is_asked: bool = True
    is_data: bool = False

    @property
    def is_record(self) -> bool:
        """Whether the template itself writes down the answer, and nobody else gives one."""
        return self.name == migrations.QUESTION

    @property
    def is_yes_no(self) -> bool:
        """Whether the answer is yes or no."""
        return self.answers == (False, True)

    def parse(self, text: str) -> Answer:
        """Turn what was typed into an answer.

        A free text is taken as it is: its validator in copier.yml has the last word.

        Raises:
            AnswerError: The question takes only certain answers, and this is none of them.
        """
        if self.answers is None:
            return text
        if self.is_yes_no:
            word = text.strip().lower()
            if word not in YES | NO:
                raise AnswerError(
                    f"{self.name} must be yes or no, not {text!r}: "
                    f"write {self.name}=yes or {self.name}=no."
                )
            return word in YES
        known = {str(answer).lower(): answer for answer in self.answers}
        word = text.strip().lower()
        if word in known:
            return known[word]
        refusal = f"{self.name} must be one of {', '.join(map(str, self.answers))}, not {text!r}"
        if similar := difflib.get_close_matches(word, known, n=1):
            raise AnswerError(f"{refusal}: did you mean {str(known[similar[0]])!r}?")
        raise AnswerError(f"{refusal}.")

    @property
    def is_computed(self) -> bool:
        """Whether the default is worked out, of other answers or of what the machine says."""
        return isinstance(self.default, str) and ("[[" in self.default or "{{" in self.default)

    @property
    def description(self) -> str:
        """What it asks, what it takes and what it answers by default, in a line or two."""
        if self.name == resources.QUESTION:
            kept = [replace(each, is_text=True).answer for each in resources.read(self.default)]
            return f"{self.name}=LIST\n    {self.help} [{'; '.join(map(str, kept))}]"
        if self.is_yes_no:
            taken = "yes|no"
        else:
            taken = "|".join(map(str, self.answers)) if self.answers else "TEXT"
        default = {True: "yes", False: "no"}[self.default] if self.is_yes_no else self.default
        said = "worked out" if self.is_computed else repr(default) if taken == "TEXT" else default
        return f"{self.name}={taken}\n    {self.help} [{said}]"


@dataclass(frozen=True)
class Preset:
    """Answers that go together, under a name.

    Attributes:
        name: The name.
        help: What such a service is for.
        answers: The answers; all other questions are asked.
    """

    name: str
    help: str
    answers: Mapping[str, Answer]

    @property
    def description(self) -> str:
        """What it is for and what it answers, in two lines."""
        said = ", ".join(f"{name}={word(answer)}" for name, answer in self.answers.items())
        return f"{self.name}: {self.help}\n    {said}"


def presets(config: Mapping[str, Any]) -> list[Preset]:
    """List the presets of a parsed copier.yml, where Copier itself does not look at them."""
    return [
        Preset(name, about["help"], about["answers"])
        for name, about in config.get("_presets", {}).items()
    ]


def preset(known: Sequence[Preset], name: str) -> Preset:
    """Find a preset.

    Raises:
        AnswerError: There is none of that name.
    """
    names = {each.name: each for each in known}
    if (found := names.get(name.lower())) is not None:
        return found
    if not names:
        raise AnswerError(f"There is no preset {name!r}: the template has none.")
    if similar := difflib.get_close_matches(name.lower(), names, n=1):
        raise AnswerError(f"There is no preset {name!r}: did you mean {similar[0]!r}?")
    raise AnswerError(f"There is no preset {name!r}: the presets are {', '.join(names)}.")


def word(answer: object) -> str:
    """Write an answer as it is typed."""
    if isinstance(answer, bool):
        return "yes" if answer else "no"
    return str(answer)


def to_be_answered(config: Mapping[str, Any]) -> list[Question]:
    """List the questions of a parsed copier.yml that somebody may answer, in its order."""
    return [question for question in from_config(config) if not question.is_record]


def from_config(config: Mapping[str, Any]) -> list[Question]:
    """List the questions of a parsed copier.yml, in its order.

    Keys that start with an underscore are Copier's own settings.
    """
    options = config.get("_envops")
    asked = {name: details for name, details in config.items() if not name.startswith("_")}
    # The short form of a question is its default alone.
    full = {
        name: details if isinstance(details, dict) else {"default": details}
        for name, details in asked.items()
    }
    return [
        Question(
            name,
            _closed_answers(details),
            details.get("default"),
            Condition(details.get("when", True), options),
            str(details.get("help", "")),
            _labels(details),
            details.get("ask", True) is not False,
            details.get("type") == "yaml",
        )
        for name, details in full.items()
    ]


def read(template: Path) -> list[Question]:
    """List the questions of the template in a directory.

    Raises:
        TemplateError: There is no copier.yml, or it is not what Copier could read.
    """
    return from_config(load(template))


def load(template: Path) -> dict[str, Any]:
    """Read the copier.yml of the template in a directory.

    Raises:
        TemplateError: There is no copier.yml, or it is not what Copier could read.
    """
    path = template / "copier.yml"
    try:
        config = yaml.safe_load(path.read_bytes())
    except FileNotFoundError:
        raise TemplateError(f"{template} is not a template: it has no copier.yml.") from None
    except (OSError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise TemplateError(f"{path} cannot be read: {reason}.") from error
    if not isinstance(config, dict):
        raise TemplateError(f"{path} asks no questions, so {template} is not a template.")
    return config


def parse_answers(
    questions: Sequence[Question], given: Iterable[tuple[str, str]]
) -> dict[str, Answer]:
    """Check what the user gave against the questions.

    Raises:
        AnswerError: A name is no question's, an answer is none that its question takes, or two
            answers to one question differ.
    """
    by_name = {question.name: question for question in questions}
    answers: dict[str, Answer] = {}
    for name, text in given:
        if name not in by_name:
            raise AnswerError(_unknown(name, list(by_name)))
        answer = by_name[name].parse(text)
        if answers.setdefault(name, answer) != answer:
            raise AnswerError(
                f"{name} is given twice, as {answers[name]} and as {answer}: keep one of them."
            )
    return answers


def _unknown(name: str, known: Sequence[str]) -> str:
    """Say that there is no such question, and which one may have been meant."""
    if similar := difflib.get_close_matches(name, known, n=1):
        return f"There is no question {name!r}: did you mean {similar[0]!r}?"
    return f"There is no question {name!r}: the questions are {', '.join(known)}."


def _closed_answers(details: Mapping[str, Any]) -> tuple[Answer, ...] | None:
    """Give all answers that a question takes; None when they cannot be listed."""
    choices = details.get("choices")
    # Choices that are text are a Jinja template: what it gives depends on other answers.
    if details.get("multiselect") or isinstance(choices, str):
        return None
    if choices:
        return tuple(
            value["value"] if isinstance(value, dict) else value for _, value in _pairs(choices)
        )
    kind = details.get("type") or type(details.get("default")).__name__
    return (False, True) if kind == "bool" else None


def _labels(details: Mapping[str, Any]) -> tuple[str, ...]:
    """Give what the answers of a question are called."""
    choices = details.get("choices")
    if choices and not isinstance(choices, str):
        return tuple(str(label) for label, _ in _pairs(choices))
    return ("No", "Yes") if _closed_answers(details) == (False, True) else ()


def _pairs(choices: Any) -> Iterable[tuple[Any, Any]]:
    """Give the labels and values of choices, which are a mapping or a list."""
    return choices.items() if isinstance(choices, dict) else map(_pair, choices)


def _pair(choice: Any) -> tuple[Any, Any]:
    """Give a choice of a list as label and value: it may be one thing that is both."""
    if isinstance(choice, list):
        label, value = choice
        return label, value
    return choice, choice
