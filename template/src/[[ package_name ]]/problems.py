"""What the service answers when a request fails: one JSON shape for every error."""

from pydantic import BaseModel

# Fixed here, because libraries and Python versions word them differently.
PHRASES = {
    400: "Bad Request",
    401: "Not authenticated",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class Problem(BaseModel):
    """Any error but a 422."""

    detail: str


class InvalidField(BaseModel):
    """One part of a request that is not as it should be."""

    loc: list[str | int]
    msg: str
    type: str


class InvalidRequest(BaseModel):
    """A 422: where the request is wrong, and why."""

    detail: list[InvalidField]


class NotFoundError(LookupError):
    """What a request names does not exist."""
