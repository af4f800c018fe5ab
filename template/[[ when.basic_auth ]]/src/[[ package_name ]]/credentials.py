"""What may be a name and a password."""

from typing import Annotated

from pydantic import AfterValidator


def one_line(credential: str) -> str:
    """Refuse what nobody can type at a prompt, such as the line break at the end of a file."""
    if not credential:
        raise ValueError("it is required")
    if not credential.isprintable():
        raise ValueError("it must be one line, without the line break at the end of a file")
    if credential != credential.strip():
        raise ValueError("it must not begin or end with a space")
    return credential


def without_colon(username: str) -> str:
    """Refuse the character that ends a name in HTTP Basic."""
    if ":" in username:
        raise ValueError("a name has no colon")
    return username


Username = Annotated[str, AfterValidator(one_line), AfterValidator(without_colon)]
Password = Annotated[str, AfterValidator(one_line)]
