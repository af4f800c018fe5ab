"""What an origin is: where a page comes from, as browsers write it."""

#{% if when.settings %}
import json
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ValidationInfo
from pydantic_settings import NoDecode
#{% else %}
import re
from typing import Annotated

from pydantic import AfterValidator, ValidationInfo
#{% endif %}

HOST = r"([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[(?:[0-9a-f:.]+)\])"
ORIGIN = re.compile(rf"(?P<scheme>[a-z][a-z0-9+.-]*)://{HOST}(:(?P<port>[1-9][0-9]*))?")
# Browsers leave them out.
DEFAULT_PORTS = {"http": "80", "https": "443"}


def canonical(origin: str) -> str:
    """Refuse what no browser would send, for it would match nobody, or more than it should."""
    match = ORIGIN.fullmatch(origin)
    if origin != "*" and not match:
        raise ValueError(
            "an origin is scheme://host or scheme://host:port in small letters, with nothing after "
            f"it, or * alone for any, not {origin!r}"
        )
    if match and match["port"] and int(match["port"]) > 65535:
        raise ValueError(f"there is no such port: {origin!r}")
    if match and match["port"] == DEFAULT_PORTS.get(match["scheme"], ""):
        raise ValueError(f"browsers leave out the port of the scheme, as in {origin!r}")
    return origin


def alone(origins: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse names beside * for any."""
    if "*" in origins and len(origins) > 1:
        raise ValueError("name the origins, or any origin (*) alone")
    return origins


def refuse_any(allowed: bool, info: ValidationInfo) -> bool:
    """Refuse credentials of any page."""
    if allowed and "*" in info.data.get("cors_origins", ()):
        raise ValueError("name the CORS origins, for any origin (*) must not send credentials")
    return allowed


#{% if when.settings %}
def listed(value: Any) -> Any:
    """Read a JSON list, or one with commas."""
    if not isinstance(value, str):
        return value
    if value.startswith("["):
        return json.loads(value)
    return [part.strip() for part in value.split(",")]


Origin = Annotated[str, AfterValidator(canonical)]
Origins = Annotated[tuple[Origin, ...], BeforeValidator(listed), AfterValidator(alone), NoDecode]
#{% else %}
Origin = Annotated[str, AfterValidator(canonical)]
Origins = Annotated[tuple[Origin, ...], AfterValidator(alone)]
#{% endif %}
CredentialsAllowed = Annotated[bool, AfterValidator(refuse_any)]
