"""How questions are asked in a terminal."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from prompt_toolkit.application import get_app
from prompt_toolkit.filters import has_validation_error
from prompt_toolkit.layout import ConditionalContainer, FormattedTextControl, Window
from prompt_toolkit.widgets import ValidationToolbar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prompt_toolkit.formatted_text import StyleAndTextTuples

# Copier puts it before what a validator says, and the line is short.
_PREFIX = re.compile(r"^Validation error for question '\w+': ")


def _text() -> StyleAndTextTuples:
    error = get_app().current_buffer.validation_error
    return [("class:validation-toolbar", _PREFIX.sub("", error.message))] if error else []


def _wrapped(_: ValidationToolbar) -> ConditionalContainer:
    """Say why an answer is refused on as many lines as the terminal needs."""
    window = Window(FormattedTextControl(_text), wrap_lines=True, dont_extend_height=True)
    return ConditionalContainer(window, filter=has_validation_error)


@contextmanager
def whole_messages() -> Iterator[None]:
    """Show what a validator says whole: prompts cut it off where the line ends."""
    former = ValidationToolbar.__pt_container__
    ValidationToolbar.__pt_container__ = _wrapped  # type: ignore[assignment,method-assign]
    try:
        yield
    finally:
        ValidationToolbar.__pt_container__ = former  # type: ignore[method-assign]
