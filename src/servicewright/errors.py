"""The mistakes that are told to the user in one sentence."""

from __future__ import annotations

from typing import ClassVar


class ServicewrightError(Exception):
    """Something the user can put right; the message is one sentence that says what it is."""

    exit_code: ClassVar[int] = 1


class UsageError(ServicewrightError):
    """The command was called in a way that cannot work, whatever the machine it runs on."""

    exit_code = 2


class AnswerError(UsageError):
    """An answer names no question, or is none of those that its question takes."""


class TemplateError(ServicewrightError):
    """The template is missing, cannot be read, or is not one."""


class DestinationError(ServicewrightError):
    """A project cannot be written to the destination."""


class ProjectError(ServicewrightError):
    """A project cannot be changed in the state that it is in."""


class ProofError(ServicewrightError):
    """A manifest of what was proved is missing, or cannot be read or written."""
