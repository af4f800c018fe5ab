"""The questions of a template, with what its defaults, validators and choices come to.

Copier asks the last word of all of it when it writes the project. This is for a terminal, where an
answer can be taken back and what it brings is said.
"""

from __future__ import annotations

import functools
import itertools
import re
from typing import TYPE_CHECKING, Any

import jinja2
import yaml
from copier import load_settings
from copier.errors import CopierError
from jinja2.sandbox import SandboxedEnvironment

from servicewright import questions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from servicewright.questions import Answer, Question

# What is understood of a question; with anything else, Copier's own prompts ask.
_DETAILS = frozenset({"ask", "choices", "default", "help", "type", "validator", "when"})


# So many defaults and texts of data are kept: what is typed has no end.
REMEMBERED = 1000


class Form:
    """The questions of a template in a directory, and the answers that differ from its defaults.

    Attributes:
        questions: All of them, in their order.
        chosen: The answers that are not left to the template.

    Args:
        template: The directory.
        folder: The name of the directory that the project is written to.
        chosen: Answers that are known already.

    Raises:
        jinja2.TemplateError: The template needs more of Copier than there is here.
        ValueError: It has a question that is not understood.
    """

    def __init__(self, template: Path, folder: str, chosen: Mapping[str, Answer]) -> None:
        config = yaml.safe_load((template / "copier.yml").read_bytes())
        self.questions = questions.from_config(config)
        self.chosen = dict(chosen)
        self._details = {question.name: config[question.name] for question in self.questions}
        for name, details in self._details.items():
            if not _is_understood(details):
                raise ValueError(name)
        self._root = template / config.get("_subdirectory", "")
        self._suffix = config.get("_templates_suffix", ".jinja")
        self._folder = folder
        self._defaults = load_settings().defaults
        options = {**config.get("_envops", {})}
        if options.get("undefined") == "jinja2.StrictUndefined":
            options["undefined"] = jinja2.StrictUndefined
        self._environment = SandboxedEnvironment(
            loader=jinja2.FileSystemLoader(template),
            extensions=config.get("_jinja_extensions", ()),
            **options,
        )
        self._worked_out: dict[tuple[object, ...], Answer] = {}
        self._expressions: dict[str, Any] = {}
        # Whatever is not there is noticed now.
        self.answers()

    def answers(self) -> dict[str, Answer]:
        """Give the answers to all questions that are asked with these answers, in their order.

        A question that the template does not ask of itself is among them if it is answered.
        """
        known = self._known()
        return {
            question.name: known[question.name]
            for question in self.questions
            if self._holds(question, "when", known)
            and (question.name in self.chosen or self._holds(question, "ask", known))
        }

    def answer(self, question: Question, answer: Answer) -> None:
        """Take an answer. One that is the default follows when what it is derived from changes."""
        self.chosen.pop(question.name, None)
        if self._known()[question.name] != answer:
            self.chosen[question.name] = answer

    def problem(self, question: Question, text: str) -> str:
        """Say why the validator of a question refuses a text; empty when it takes it."""
        validator = self._details[question.name].get("validator", "")
        try:
            known = self._known() | {question.name: text}
            return self._environment.from_string(validator).render(self._context(known)).strip()
        except (jinja2.TemplateError, yaml.YAMLError) as error:
            return f"{question.name} cannot be read: {' '.join(str(error).split())}."

    def ways(self, question: Question) -> dict[Answer, dict[str, Answer]]:
        """Give for each answer to a question all that are known with it, others as they are."""
        return {answer: self._known({question.name: answer}) for answer in question.answers or ()}

    def value(self, name: str, known: Mapping[str, Answer]) -> Any:
        """Give what the template's extensions derive from answers; None when they do not."""
        return self._expression(name)(**self._context(known))

    def files(self, known: Mapping[str, Answer]) -> set[str]:
        """Give the paths of the files with certain answers."""
        return {path for path, _, _ in self._written(self._context(self._known(known)))}

    def _written(self, context: Mapping[str, Any]) -> Iterator[tuple[str, Path, dict[str, Any]]]:
        """Give for each file its path, that of its template, and what it is made for.

        That is one of several things where the template has a file for each of them.
        """
        named = self._named(context)
        for source in self._paths:
            for parts in itertools.product(*(named[part] for part in source.parts)):
                path = "/".join(name for name, _ in parts if name != ".")
                made = {name: one for _, things in parts for name, one in things.items()}
                yield path.removesuffix(self._suffix), source, made

    def _named(self, context: Mapping[str, Any]) -> dict[str, list[tuple[str, dict[str, Any]]]]:
        """Give the names that each part of a path has, each with what it is made for."""
        plain = [part for part, (_, loop) in self._parts.items() if loop is None]
        # All at once: to prepare a context takes longer than to write a name.
        names = self._text("\0".join(plain), context).split("\0")
        texts: dict[str, list[tuple[str, dict[str, Any]]]] = {
            part: [(name, {})] for part, name in zip(plain, names, strict=True)
        }
        for part, (name, loop) in self._parts.items():
            if loop is not None:
                things = self._expression(loop[1])(**context) or ()
                texts[part] = [
                    (self._text(name, {**context, loop[0]: thing}), {loop[0]: thing})
                    for thing in things
                ]
        return {part: [(name, made) for name, made in texts[part] if name] for part in texts}

    @functools.cached_property
    def _parts(self) -> dict[str, tuple[str, tuple[str, str] | None]]:
        """The parts of all paths, each with its text for one thing and the loop that it is in."""
        parts = {part for path in self._paths for part in path.parts}
        return {part: _each(part, self._environment) for part in sorted(parts)}

    def _text(self, template: str, context: Mapping[str, Any]) -> str:
        """Write a name, or several; empty where it asks for what is not there."""
        try:
            return self._environment.from_string(template).render(context)
        except jinja2.TemplateError:
            single = template.split("\0")
            return "\0".join(self._text(each, context) for each in single if single[1:])

    def _expression(self, text: str) -> Any:
        if text not in self._expressions:
            self._expressions[text] = self._environment.compile_expression(text)
        return self._expressions[text]

    @functools.cached_property
    def _paths(self) -> list[Path]:
        """The paths of the template's files."""
        return [
            path.relative_to(self._root)
            for path in self._root.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        ]

    def _known(self, chosen: Mapping[str, Answer] | None = None) -> dict[str, Answer]:
        """Give the answers to all questions, those that are not asked included."""
        chosen = {**self.chosen, **(chosen or {})}
        known: dict[str, Answer] = {}
        for question in self.questions:
            if question.name in chosen:
                known[question.name] = chosen[question.name]
                continue
            # Templates ask git, and this is asked again and again.
            circumstances = (question.name, *known.items())
            if len(self._worked_out) > REMEMBERED:
                self._worked_out.clear()
            if circumstances not in self._worked_out:
                self._worked_out[circumstances] = self._default(question, known)
            known[question.name] = self._worked_out[circumstances]
        return known

    def _default(self, question: Question, known: Mapping[str, Answer]) -> Answer:
        default = self._defaults.get(question.name, question.default)
        if isinstance(default, str):
            default = self._environment.from_string(default).render(self._context(known))
        if question.answers is None:
            if default is None or isinstance(default, str):
                return default or ""
            return one_line(default)
        return next(
            (each for each in question.answers if str(each).lower() == str(default).lower()),
            question.answers[0],
        )

    def _holds(self, question: Question, condition: str, known: Mapping[str, Answer]) -> bool:
        text = self._details[question.name].get(condition, True)
        if isinstance(text, bool):
            return text
        said = self._environment.from_string(text).render(self._context(known))
        return said.strip().lower() in questions.YES

    def _context(self, known: Mapping[str, Answer]) -> dict[str, Any]:
        """Give what templates may use, in the form that Copier gives it."""
        return {
            **dict(self._values(known)),
            "_copier_answers": {},
            "_copier_conf": {"answers_file": ".copier-answers.yml"},
            "_folder_name": self._folder,
        }

    def _values(self, known: Mapping[str, Answer]) -> Iterator[tuple[str, Any]]:
        """Give the answers as templates see them: data is typed as text."""
        for name, answer in known.items():
            is_data = self._details[name].get("type") == "yaml"
            yield name, _data(str(answer)) if is_data else answer


def _each(name: str, environment: jinja2.Environment) -> tuple[str, tuple[str, str] | None]:
    """Split the name of a file that Copier makes for each of several things.

    Gives the name of one, and what that is called and where they are; None where there is one file.
    """
    start, end = environment.block_start_string, environment.block_end_string
    opened, closed = re.escape(start), re.escape(end)
    loop = re.search(
        rf"{opened} *yield (\w+) from (\w+) *{closed}(.*?){opened} *endyield *{closed}", name
    )
    if loop is None:
        return name, None
    return name[: loop.start()] + loop[3] + name[loop.end() :], (loop[1], loop[2])


def one_line(data: Any) -> str:
    """Write data as it is typed on one line."""
    text: str = yaml.safe_dump(
        data, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6
    )
    return text.strip()


@functools.lru_cache(maxsize=REMEMBERED)
def _data(text: str) -> Any:
    return yaml.safe_load(text)


def fill(template: Path, folder: str, chosen: Mapping[str, Answer]) -> Form | None:
    """Take the form of a template; None when Copier alone understands it."""
    try:
        return Form(template, folder, chosen)
    except (jinja2.TemplateError, CopierError, ImportError, ValueError, yaml.YAMLError):
        return None


def _is_understood(details: Any) -> bool:
    """Whether a question can be asked with a list or a line of text."""
    if not isinstance(details, dict) or not _DETAILS.issuperset(details):
        return False
    choices = details.get("choices", ())
    if isinstance(choices, str) or any(isinstance(each, (dict, list)) for each in choices):
        return False
    if isinstance(choices, dict) and any(isinstance(each, dict) for each in choices.values()):
        return False
    kind = details.get("type", type(details.get("default")).__name__)
    return kind in {"str", "bool", "yaml"} or bool(choices)
