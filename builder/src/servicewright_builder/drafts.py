"""Services as they would be written with the answers that a request gives."""

import difflib
import shlex
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import parse_qsl, urlencode

import yaml
from servicewright import projects, questions, templates
from servicewright.consequences import consequences
from servicewright.errors import AnswerError
from servicewright.forms import one_line
from servicewright.in_memory import Renderer
from servicewright.questions import Answer, Preset, Question
from servicewright.repository import ANSWERS

from .problems import ServiceError, UnavailableError

# From which the template derives names until they are given.
FOLDER = "service"
# What a request may ask for: in characters, and in things that data lists.
LONGEST_QUERY = 16_000
LONGEST_TEXT = 8_000
MOST_THINGS = 20
DEEPEST = 20
# For so many seconds a request waits for others that are served.
PATIENCE = 10.0
# So many services are kept as they were last asked for.
KEPT = 64

# What a query may hold besides answers: the answers that were shown before, and the file to show.
BEFORE = "before"
FILE = "file"

Mark = Literal["", "new", "changed", "gone"]
T = TypeVar("T")


class TooLongError(ServiceError):
    """A request gives more than a service is made of."""

    status = 414


@dataclass(frozen=True)
class Draft:
    """A service as it would be written.

    Attributes:
        answers: The answers to all questions, those that are not asked included.
        asked: The names of the questions that are asked with these answers.
        problems: What is wrong, by the name of the question. There are no files then.
        link: The query that gives the same answers on every machine.
        command: The command that writes the same.
        folder: The name of its directory.
        files: What is written, by path.
    """

    answers: Mapping[str, Answer]
    asked: frozenset[str]
    problems: Mapping[str, str]
    link: str
    command: str
    folder: str
    files: Mapping[str, bytes]


class Drafts:
    """Drafts of what a template writes, which is read once.

    Raises:
        ServicewrightError: There is no template, or no git that brings it.
    """

    def __init__(self) -> None:
        source = templates.locate()
        with tempfile.TemporaryDirectory(prefix="servicewright-") as directory:
            # Once by Copier: what services remember of their template is for it to say.
            made = projects.create(source, Path(directory, FOLDER), {}, ask=False)
        self.warnings = made.warnings
        self._address = source.address
        remembered = {"_commit": made.commit} if made.commit else {}
        with templates.unpacked(source) as root:
            assert root is not None  # noqa: S101 - what the package brings is on this machine
            self._form = Renderer(root, FOLDER, {**remembered, "_src_path": source.location})
            self.presets: list[Preset] = questions.presets(questions.load(root))
        self.questions: list[Question] = self._form.questions
        self._turn = threading.Lock()
        self._drafts: OrderedDict[str, Draft] = OrderedDict()
        self._consequences: OrderedDict[str, Mapping[str, Mapping[str, str]]] = OrderedDict()

    @property
    def open_questions(self) -> list[Question]:
        """The questions that somebody may answer."""
        return [question for question in self.questions if not question.is_record]

    def draw_up(self, given: Iterable[tuple[str, str]], before: Draft | None = None) -> Draft:
        """Draw up the service with some answers, and with the defaults of other questions.

        What is given as it was before, where it was left to the template, stays left to it: names
        follow the names that they are derived from.
        """
        pairs = list(given)
        if sum(len(name) + len(text) for name, text in pairs) > LONGEST_QUERY:
            raise TooLongError(f"The answers have more than {LONGEST_QUERY} characters")
        with self._alone():
            left = {} if before is None else self._left_to_template(before)
            pairs = [pair for pair in pairs if pair[0] not in left or pair[1] != left[pair[0]]]
            problems = self._fill(pairs)
            return self._draft(problems)

    def at(self, link: str) -> Draft:
        """Give the draft that has a link."""
        return kept(
            self._drafts, link, lambda: self.draw_up(parse_qsl(link, keep_blank_values=True))
        )

    def brings(self, draft: Draft) -> Mapping[str, Mapping[str, str]]:
        """Say for each answer to each question what it brings besides what others bring."""

        def listed() -> Mapping[str, Mapping[str, str]]:
            asked = (question for question in self.questions if question.name in draft.asked)
            return {question.name: said(question) for question in asked if question.answers}

        def said(question: Question) -> Mapping[str, str]:
            # One question after the other: whoever gave an answer meanwhile comes in between.
            with self._alone():
                self._form.chosen = dict(draft.answers)
                found = consequences(self._form, question)
            return {questions.word(answer): text for answer, text in found.items()}

        return kept(self._consequences, draft.link, listed)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Wait for those who came before: one form serves all, and one processor."""
        if not self._turn.acquire(timeout=PATIENCE):
            raise UnavailableError("Too many services are being drawn up")
        try:
            yield
        finally:
            self._turn.release()

    def _left_to_template(self, draft: Draft) -> dict[str, str]:
        """Give the answers of a draft, as a form shows them, that were not chosen in it."""
        self._form.chosen = {}
        for question in self.questions:
            if question.name in draft.asked:
                self._form.answer(question, draft.answers[question.name])
        return {
            question.name: shown(question, draft.answers[question.name])
            for question in self.questions
            if question.name not in self._form.chosen
        }

    def _fill(self, pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
        """Fill in the form, and give what is wrong with the answers by their questions."""
        self._form.chosen = {}
        problems: dict[str, str] = {}
        texts: dict[str, str] = {}
        for name, text in pairs:
            if texts.setdefault(name, text) != text:
                problems[name] = f"{name} is given twice: keep one of them."
        known = {question.name: question for question in self.questions}
        # In the order of the questions: answers may depend on those before.
        for name in sorted(texts.keys() - problems.keys(), key=[*known, *texts].index):
            try:
                answer = questions.parse_answers(self.questions, [(name, texts[name])])[name]
                if known[name].answers is None:
                    answer = self._read(known[name], texts[name])
                self._form.answer(known[name], answer)
            except AnswerError as error:
                problems[name] = str(error)
        asked = self._form.answers()
        self._form.chosen = {n: answer for n, answer in self._form.chosen.items() if n in asked}
        return problems

    def _read(self, question: Question, text: str) -> str:
        """Give a text as it is kept.

        Raises:
            AnswerError: It cannot be used.
        """
        if len(text) > LONGEST_TEXT:
            raise AnswerError(f"{question.name} must have at most {LONGEST_TEXT} characters.")
        if question.is_data:
            text = read_data(question.name, text)
        if problem := self._form.problem(question, text):
            raise AnswerError(problem)
        return text

    def _draft(self, problems: Mapping[str, str]) -> Draft:
        asked = self._form.answers()
        said = {
            question.name: questions.word(asked[question.name])
            for question in self.questions
            if question.name in asked
            and (question.name in self._form.chosen or question.is_computed)
        }
        link = urlencode(said)
        folder = str(asked.get("package_name", FOLDER)).replace("_", "-")
        lines = [shlex.join(["servicewright", "new", folder, "--defaults"])]
        lines += [shlex.join(["--set", f"{name}={answer}"]) for name, answer in said.items()]
        draft = Draft(
            answers=self._form.known(),
            asked=frozenset(asked),
            problems=problems,
            link=link,
            command=" \\\n  ".join(lines),
            folder=folder,
            files={},
        )
        if problems:
            return draft
        return kept(self._drafts, link, lambda: replace(draft, files=self._write()))

    def _write(self) -> Mapping[str, bytes]:
        files = self._form.render()
        if self._address is not None:
            text = files[ANSWERS].decode()
            files[ANSWERS] = projects.with_address(text, self._address).encode()
        return files


def kept(store: OrderedDict[str, T], key: str, make: Callable[[], T]) -> T:
    """Give what is kept under a key, or make it; what was not asked for longest goes."""
    value = store.pop(key, None)
    if value is None:
        value = make()
    store[key] = value
    if len(store) > KEPT:
        store.popitem(last=False)
    return value


def read_data(name: str, text: str) -> str:
    """Give data in YAML on one line.

    Raises:
        AnswerError: It is none, or would take very long to read or to write.
    """
    if deepest(text) > DEEPEST:
        raise AnswerError(f"{name} is nested too deeply: write it as the example is written.")
    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            raise AnswerError(f"{name} must be written out, without & and *.")
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise AnswerError(f"{name} cannot be read: {reason}.") from error
    except (RecursionError, ValueError) as error:
        raise AnswerError(f"{name} cannot be read: write it as the example is written.") from error
    if isinstance(data, list) and len(data) > MOST_THINGS:
        raise AnswerError(f"{name} may list {MOST_THINGS} here: give more to servicewright new.")
    return one_line(data) if isinstance(data, list) else text


def deepest(text: str) -> int:
    """Count how many brackets are open at the same time in a text, at most."""
    opened = (character in "[{" for character in text)
    closed = (character in "]}" for character in text)
    return max(accumulate((a - b for a, b in zip(opened, closed, strict=True)), initial=0))


def shown(question: Question, answer: Answer) -> str:
    """Write an answer as a form shows it."""
    text = questions.word(answer)
    if not question.is_data:
        return text
    data = yaml.safe_load(text)
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=10**6).strip()


def marks(now: Mapping[str, bytes], before: Mapping[str, bytes]) -> dict[str, Mark]:
    """Say of each file that is there, or was before, what has become of it."""
    return {
        path: "gone"
        if path not in now
        else "new"
        if path not in before
        else "changed"
        if now[path] != before[path]
        else ""
        for path in sorted(now.keys() | before.keys())
    }


def difference(now: list[str], before: list[str]) -> list[tuple[Mark, int]]:
    """Put the lines of a file together with those that went.

    Gives each line's mark and its place, among the lines before if it is gone.
    """
    lines: list[tuple[Mark, int]] = []
    matcher = difflib.SequenceMatcher(None, before, now, autojunk=False)
    for _, before_start, before_end, now_start, now_end in matcher.get_opcodes():
        if before[before_start:before_end] == now[now_start:now_end]:
            lines += [("", place) for place in range(now_start, now_end)]
        else:
            lines += [("gone", place) for place in range(before_start, before_end)]
            lines += [("new", place) for place in range(now_start, now_end)]
    return lines


@cache
def shared() -> Drafts:
    """Give what all requests of this process use."""
    return Drafts()
