"""The way to log in by the issuer, and the way out."""

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from ..authentication import LoginsDep, get_visitor
from ..login_page import COOKIE, ON_THE_WAY, SECONDS_ON_THE_WAY, needs_https
from ..problems import ServiceError
from ..routing import OneThreadRoute
from ..templating import templates

login_router = APIRouter(
    route_class=OneThreadRoute, include_in_schema=False, dependencies=[Depends(get_visitor)]
)

# No browser goes back to a login.
NOT_STORED = {"Cache-Control": "no-store"}


def callback(request: Request) -> str:
    """Give the address that browsers come back to."""
    return f"{str(request.base_url).rstrip('/')}/login/callback"


def home(request: Request) -> str:
    """Give the path that the cookies are for."""
    return f"{request.scope.get('root_path', '')}/"


def keep(request: Request, answer: Response, name: str, value: str, seconds: int) -> None:
    """Let the browser keep a cookie that no script can read."""
    answer.set_cookie(
        name,
        value,
        max_age=seconds,
        path=home(request),
        secure=needs_https(request.scope["scheme"], request.headers.get("Host", "")),
        httponly=True,
        samesite="lax",
    )


def show_error(request: Request, error: ServiceError) -> Response:
    """Say why nobody has logged in."""
    return templates.TemplateResponse(
        request,
        "login.html",
        {"error": error.detail},
        status_code=error.status,
        headers={**error.headers, **NOT_STORED},
    )


@login_router.get("/login")
def begin_login(request: Request, logins: LoginsDep) -> Response:
    """Lead the browser to the issuer."""
    try:
        page, kept = logins.page.begin(callback(request))
    except ServiceError as error:
        return show_error(request, error)
    answer = RedirectResponse(page, 303, NOT_STORED)
    keep(request, answer, ON_THE_WAY, kept, SECONDS_ON_THE_WAY)
    return answer


@login_router.get("/login/first")
def show_login_needed(request: Request) -> Response:
    """Say that a login is needed, and go on to it."""
    context = {"error": "Log in first"}
    headers = {"Refresh": f"0; url={home(request)}login", **NOT_STORED}
    return templates.TemplateResponse(request, "login.html", context, headers=headers)


@login_router.get("/login/callback")
def finish_login(request: Request, logins: LoginsDep) -> Response:
    """Let the browser keep a login that the issuer confirms."""
    kept = request.cookies.get(ON_THE_WAY)
    try:
        cookie = logins.page.finish(request.query_params, kept, callback(request))
    except ServiceError as error:
        return show_error(request, error)
    answer = RedirectResponse(home(request), 303, NOT_STORED)
    keep(request, answer, COOKIE, cookie, logins.page.seconds)
    answer.delete_cookie(ON_THE_WAY, path=home(request))
    return answer


@login_router.post("/logout")
def log_out_browser(request: Request) -> Response:
    """End the login of the browser."""
    answer = RedirectResponse(home(request), 303, NOT_STORED)
    answer.delete_cookie(COOKIE, path=home(request))
    return answer
