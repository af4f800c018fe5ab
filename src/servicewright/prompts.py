"""How one question is asked in a terminal: a list to choose from, or a line to write."""

from __future__ import annotations

import re
import textwrap
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Generic, TypeVar

from prompt_toolkit import PromptSession
from prompt_toolkit.application import Application, get_app
from prompt_toolkit.filters import has_validation_error
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.layout import ConditionalContainer, FormattedTextControl, Layout, Window
from prompt_toolkit.styles import Style
from prompt_toolkit.validation import ValidationError, Validator
from prompt_toolkit.widgets import ValidationToolbar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from prompt_toolkit.document import Document
    from prompt_toolkit.formatted_text import StyleAndTextTuples
    from prompt_toolkit.key_binding import KeyPressEvent

T = TypeVar("T")

# Copier puts it before what a validator says, and the line is short.
_PREFIX = re.compile(r"^Validation error for question '\w+': ")
# In seconds. Keys such as arrows begin with the character of Esc: how long the rest may take.
_REST_OF_KEY = 0.1
_STYLE = Style.from_dict(
    {
        "question": "bold",
        "chosen": "ansicyan bold",
        "about": "ansibrightblack",
        "validation-toolbar": "noreverse ansired",
    }
)


class Back(Enum):
    """What is given in the place of an answer by who wants to go back."""

    BACK = "back"


@dataclass(frozen=True)
class Option(Generic[T]):
    """One line of a list.

    Attributes:
        value: What it stands for.
        label: What it is called.
        about: What it brings.
    """

    value: T
    label: str
    about: str = ""


def choose(message: str, options: Sequence[Option[T]], default: T) -> T | Back:
    """Have one of some options chosen with the arrows and Enter; Esc goes back.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed.
    """
    chosen = next((i for i, option in enumerate(options) if option.value == default), 0)
    keys = KeyBindings()

    def move(event: KeyPressEvent, to: int) -> None:
        nonlocal chosen
        chosen = to % len(options)
        event.app.invalidate()

    keys.add("up")(lambda event: move(event, chosen - 1))
    keys.add("down")(lambda event: move(event, chosen + 1))
    # What is typed before the list is there arrives as Ctrl-J.
    for enter in ("enter", "c-j"):
        keys.add(enter)(lambda event: event.app.exit(result=options[chosen].value))
    keys.add("escape")(lambda event: event.app.exit(result=Back.BACK))
    keys.add("c-c")(lambda event: event.app.exit(exception=KeyboardInterrupt()))

    def shown() -> StyleAndTextTuples:
        lines: StyleAndTextTuples = [("class:question", f"{_wrapped(message)}\n")]
        for number, option in enumerate(options):
            is_chosen = number == chosen
            if is_chosen:
                lines.append(("[SetCursorPosition]", ""))
            label = _wrapped(option.label, "> " if is_chosen else "  ")
            lines.append(("class:chosen" if is_chosen else "", f"{label}\n"))
            if option.about:
                lines.append(("class:about", f"{_wrapped(option.about, '    ')}\n"))
        style, last, *_ = lines.pop()
        return [*lines, (style, last.rstrip("\n"))]

    control = FormattedTextControl(shown, focusable=True, show_cursor=False)
    window = Window(control, wrap_lines=True, dont_extend_height=True)
    application: Application[Any] = Application(
        Layout(window), key_bindings=keys, style=_STYLE, erase_when_done=True
    )
    return _run(application)  # type: ignore[no-any-return]


def write(message: str, default: str, problem: Callable[[str], str]) -> str | Back:
    """Have a line written, which the default is; Esc goes back.

    Args:
        message: What is asked.
        default: What is there to begin with.
        problem: Says why a line is refused; nothing when it is taken.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed, or Ctrl-D on an empty line.
    """
    keys = KeyBindings()
    keys.add("escape")(lambda event: event.app.exit(result=Back.BACK))

    class Check(Validator):
        def validate(self, document: Document) -> None:
            if said := problem(document.text):
                raise ValidationError(len(document.text), said)

    with whole_messages():
        session: PromptSession[Any] = PromptSession(
            lambda: [("class:question", f"{_wrapped(message)}\n"), ("class:chosen", "> ")],
            key_bindings=keys,
            style=_STYLE,
            validator=Check(),
            validate_while_typing=False,
            erase_when_done=True,
        )
    session.app.timeoutlen = session.app.ttimeoutlen = _REST_OF_KEY
    try:
        return session.prompt(default=default)  # type: ignore[no-any-return]
    except EOFError:
        raise KeyboardInterrupt from None


def _run(application: Application[Any]) -> Any:
    application.timeoutlen = application.ttimeoutlen = _REST_OF_KEY
    return application.run()


def _wrapped(text: str, indentation: str = "") -> str:
    """Break a text between words where the terminal ends."""
    columns = get_app().output.get_size().columns
    return textwrap.fill(
        text,
        max(columns - 1, len(indentation) + 1),
        initial_indent=indentation,
        subsequent_indent=" " * len(indentation),
        break_on_hyphens=False,
    )


def _text() -> StyleAndTextTuples:
    error = get_app().current_buffer.validation_error
    if error is None:
        return []
    return [("class:validation-toolbar", _wrapped(_PREFIX.sub("", error.message)))]


def _widened(_: ValidationToolbar) -> ConditionalContainer:
    """Say why an answer is refused on as many lines as the terminal needs."""
    window = Window(FormattedTextControl(_text), wrap_lines=True, dont_extend_height=True)
    return ConditionalContainer(window, filter=has_validation_error)


@contextmanager
def whole_messages() -> Iterator[None]:
    """Show what a validator says whole: prompts cut it off where the line ends."""
    former = ValidationToolbar.__pt_container__
    ValidationToolbar.__pt_container__ = _widened  # type: ignore[assignment,method-assign]
    try:
        yield
    finally:
        ValidationToolbar.__pt_container__ = former  # type: ignore[method-assign]
