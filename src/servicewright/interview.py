"""Asks in a terminal for all that a new project needs: every answer can be taken back."""

from __future__ import annotations

import tempfile
import textwrap
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from prompt_toolkit.output import create_output
from rich.console import Console
from rich.text import Text

from servicewright.consequences import consequences
from servicewright.prompts import Back, Option, choose, write
from servicewright.questions import word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from servicewright.forms import Form
    from servicewright.questions import Answer, Preset, Question


class Interview:
    """A conversation about a new project, which ends with what is to be written.

    Args:
        form: The questions, with what is answered already.
        destination: Where the project is to be, as the user wrote it.
        presets: What may be chosen in the place of many answers.
        render: Writes the project with certain answers to a path.
    """

    def __init__(
        self,
        form: Form,
        destination: str,
        presets: Sequence[Preset],
        render: Callable[[Path, Mapping[str, Answer]], None],
    ) -> None:
        self._form = form
        self._destination = "this directory" if destination == "." else destination
        self._folder = Path(destination).expanduser().resolve().name
        self._presets = presets
        self._render = render
        self._given = dict(form.chosen)
        self._settled = set(self._given)
        self._console = Console(highlight=False)
        # How many lines each answer takes that is above the question.
        self._said: list[int] = []

    def hold(self) -> dict[str, Answer] | None:
        """Ask, and give the answers to all questions; None when nothing is to be written.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed.
            ServicewrightError: The template takes the answers one by one, but not together.
        """
        self._welcome()
        self._begin()
        done: list[Question] = []
        while True:
            question = next((each for each in self._open() if each not in done), None)
            if question is None:
                end = self._end()
                if not isinstance(end, Back):
                    return self._form.answers() if end else None
                self._said.clear()
            elif self._ask(question):
                done.append(question)
                continue
            self._unsay()
            if done:
                done.pop()
            else:
                self._begin()

    def _open(self) -> list[Question]:
        """List the questions that are asked one after the other."""
        asked = self._form.answers()
        return [
            question
            for question in self._form.questions
            if question.name in asked and question.name not in self._settled
        ]

    def _welcome(self) -> None:
        count = len(self._open())
        coming = {0: "a look at it", 1: "one question"}.get(count, f"{count} questions")
        fewer = ", fewer with a preset" if self._has_presets else ""
        self._console.print(f"A new service in {self._destination}", style="bold", markup=False)
        self._console.print(
            f"Before you: {coming}{fewer}. Enter takes the answer that is marked or written there, "
            "arrow keys mark another, Esc goes back, Ctrl-C stops. Nothing is written before the "
            "end, where you see all of it.\n",
            markup=False,
        )

    @property
    def _has_presets(self) -> bool:
        """Whether presets answer anything that would be asked."""
        names = {question.name for question in self._open()}
        return any(names & preset.answers.keys() for preset in self._presets)

    def _begin(self) -> None:
        """Have a preset chosen, if there is still something that presets say."""
        self._form.chosen = dict(self._given)
        self._settled = set(self._given)
        if not self._has_presets:
            return
        options: list[Option[Preset | None]] = [
            Option(None, f"With each of the {len(self._open())} questions")
        ]
        options += [
            Option(preset, f"With the preset {preset.name}", preset.help)
            for preset in self._presets
        ]
        message = "How do you want to begin?"
        while isinstance(chosen := choose(message, options, None), Back):
            pass
        if chosen is not None:
            self._form.chosen = {**chosen.answers, **self._given}
            self._settled |= chosen.answers.keys()
        self._say(message, chosen.name if chosen else "with each of the questions")

    def _ask(self, question: Question) -> bool:
        """Ask a question, and say whether it was answered."""
        asked = self._open()
        number = f"({asked.index(question) + 1} of {len(asked)}) " if question in asked else ""
        message = f"{number}{question.help or question.name}"
        current = self._form.answers()[question.name]
        answer: Answer | Back
        if question.answers is None:
            answer = write(message, str(current), lambda text: self._form.problem(question, text))
        else:
            answer = pick(question, message, current, consequences(self._form, question))
        if isinstance(answer, Back):
            return False
        self._form.answer(question, answer)
        self._say(question.help or question.name, _shown(question, answer))
        return True

    def _end(self) -> bool | Back:
        """Show what would be written, and say whether it is to be."""
        while True:
            answers = self._form.answers()
            with tempfile.TemporaryDirectory(prefix="servicewright-") as directory:
                # Copier derives defaults from the destination's name.
                project = Path(directory, self._folder)
                self._render(project, answers)
                paths = [path for path in project.rglob("*") if path.is_file()]
                files = [path.relative_to(project).as_posix() for path in paths]
            said = f"\n{self._folder}/ with {len(files)} files"
            self._console.print(said, style="bold", markup=False)
            for line in tree(files, self._console.width):
                self._console.print(line, markup=False, soft_wrap=True)
            said = ", ".join(f"{name}={word(answer)}" for name, answer in answers.items())
            self._console.print(f"\n{said}\n", markup=False)
            options = [
                Option("write", f"Write it to {self._destination}"),
                Option("change", "Change an answer"),
                Option("stop", "Stop, and write nothing"),
            ]
            match choose("Is this what you want?", options, "write"):
                case "change":
                    self._change(answers)
                case "write":
                    return True
                case "stop":
                    return False
                case _:
                    return Back.BACK

    def _change(self, answers: Mapping[str, Answer]) -> None:
        """Have one of the answers changed."""
        asked = {question.name: question for question in self._form.questions}
        options = [
            Option(name, f"{asked[name].help or name} {_shown(asked[name], answer)}")
            for name, answer in answers.items()
        ]
        name = options[0].value
        while not isinstance(chosen := choose("Which one?", options, name), Back):
            name = chosen
            if self._ask(asked[name]):
                return

    def _say(self, message: str, answer: str) -> None:
        """Leave a question with its answer on the screen."""
        text = Text.assemble(("* ", "green"), message, " ", (answer, "bold"))
        self._said.append(len(self._console.render_lines(text)))
        self._console.print(text)

    def _unsay(self) -> None:
        """Take the last answer off the screen."""
        if self._said:
            output = create_output()
            output.cursor_up(self._said.pop())
            output.erase_down()
            output.flush()


def pick(
    question: Question, message: str, current: Answer, brings: Mapping[Answer, str] | None = None
) -> Answer | Back:
    """Have one of the answers that a question takes chosen from a list."""
    options = [
        Option(each, label, (brings or {}).get(each, ""))
        for each, label in zip(question.answers or (), question.labels, strict=True)
    ]
    return choose(message, options, current)


def _shown(question: Question, answer: Answer) -> str:
    """Write an answer as its list calls it."""
    labels = dict(zip(question.answers or (), question.labels, strict=True))
    return labels.get(answer, str(answer)) or "(nothing)"


def tree(files: Iterable[str], columns: int) -> list[str]:
    """Draw a tree of files: each folder with what it holds, on lines of at most some columns."""
    folders: dict[str, list[str]] = {".": []}
    for file in sorted(files):
        path = PurePosixPath(file)
        folders.setdefault(str(path.parent), []).append(path.name)
    lines = []
    for folder, names in sorted(folders.items(), key=lambda item: item[0].split("/")):
        depth = 0 if folder == "." else 1
        if depth:
            lines.append(f"  {folder}/")
        indentation = "  " * (depth + 1)
        lines += textwrap.wrap(
            "  ".join(names),
            columns - 1,
            initial_indent=indentation,
            subsequent_indent=indentation,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines
