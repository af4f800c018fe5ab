"""What the service answers when a request fails: one JSON shape for every error."""

from collections.abc import Mapping

from pydantic import BaseModel

# Fixed here, because libraries and Python versions word them differently.
PHRASES = {
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
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


class ServiceError(Exception):
    """An error that the client is told of, wherever it is raised: derive your own from it."""

    status = 500

    def __init__(self, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = dict(headers or {})


class NotFoundError(ServiceError):
    """What a request names does not exist."""

    status = 404


class ConflictError(ServiceError):
    """What a request asks for does not fit what is stored, such as a second use of a name."""

    status = 409


class UnfitError(ServiceError):
    """A value that a request sends cannot be stored, such as a number that is too large."""

    status = 400


class UnavailableError(ServiceError):
    """What a request needs is down or busy; the client may try again after some seconds."""

    status = 503

    def __init__(self, detail: str, retry_after: int = 1) -> None:
        super().__init__(detail, {"Retry-After": str(retry_after)})
