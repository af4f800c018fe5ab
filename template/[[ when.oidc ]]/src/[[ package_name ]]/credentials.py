"""Who may issue access tokens, and for whom they may be."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

# Where two programs are on one machine nobody listens between them, and HTTP will do.
THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}
#{% if when.visitors %}
SHORTEST_SECRET = 32
#{% endif %}


def is_private(url: str) -> bool:
    """Tell whether nobody on the way can read or change what is asked of a URL."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        # Reading it checks it.
        _ = parts.port
    except ValueError:
        return False
    if not host or not url.isprintable() or " " in url:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in THIS_MACHINE)


def issuer_url(url: str) -> str:
    """Refuse an issuer that others could pretend to be."""
    if not url:
        raise ValueError("it is required: who issues tokens, as in https://login.example/realms/a")
    if not is_private(url):
        raise ValueError("it begins with https://, or with http:// on this machine alone")
    if "@" in url or "?" in url or "#" in url:
        raise ValueError("it has no user, no query and no fragment")
    return url


def audience_name(name: str) -> str:
    """Refuse an audience that cannot stand in a token, or none: then any token would do."""
    if not name:
        raise ValueError("it is required: for whom tokens are, as the issuer calls this service")
    if not name.isprintable() or name != name.strip():
        raise ValueError("it is one line, and has no space at its ends")
    return name


#{% if when.visitors %}
def client_name(name: str) -> str:
    """Refuse a client that the issuer cannot know."""
    if not name:
        raise ValueError("it is required: what the issuer knows the pages of this service as")
    return audience_name(name)


def strong_enough(secret: str) -> str:
    """Refuse a secret that somebody could guess, and tell how to make a better one."""
    if len(secret.encode()) < SHORTEST_SECRET:
        raise ValueError(
            f"it is required: {SHORTEST_SECRET} random characters or more, "
            "as `openssl rand -hex 32` prints"
        )
    return secret


ClientName = Annotated[str, AfterValidator(client_name)]
LoginSecret = Annotated[str, AfterValidator(strong_enough)]
#{% endif %}
Issuer = Annotated[str, AfterValidator(issuer_url)]
Audience = Annotated[str, AfterValidator(audience_name)]
