"""The bodies of requests."""

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .problems import InvalidField
from .texts import has_half_a_character

HALF_A_CHARACTER = InvalidField(
    loc=["body"], msg="A text has half a character", type="string_unicode"
)


class TextMiddleware:
    """Refuses JSON with half a character in a text, whatever the type of its field."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Look at the body when all of it has come."""
        if scope["type"] == "http" and says_json(scope):
            receive = checking(receive)
        await self.app(scope, receive, send)


def says_json(scope: Scope) -> bool:
    """Tell whether a request says that its body is JSON."""
    for name, value in scope["headers"]:
        if name == b"content-type":
            kind: bytes = value.partition(b";")[0].strip().lower()
            return kind == b"application/json" or kind.endswith(b"+json")
    return False


def checking(receive: Receive) -> Receive:
    """Refuse a body with half a character at its end."""
    chunks: list[bytes] = []
    refused = False

    async def receive_checked() -> Message:
        nonlocal refused
        # Who tries again is refused again: there is nothing more to wait for.
        if not refused:
            message = await receive()
            chunks.append(message.get("body", b""))
            if message.get("more_body"):
                return message
            refused = has_half_a_character(b"".join(chunks))
            chunks.clear()
            if not refused:
                return message
        raise HTTPException(422, [HALF_A_CHARACTER])

    return receive_checked
