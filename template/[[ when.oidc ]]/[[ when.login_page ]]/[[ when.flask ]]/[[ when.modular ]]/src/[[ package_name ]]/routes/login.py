"""The way to log in by the issuer, and the way out."""

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from ..authentication import get_logins
from ..login_page import COOKIE, ON_THE_WAY, SECONDS_ON_THE_WAY, needs_https
from ..problems import ServiceError

login_blueprint = Blueprint("login", __name__)


@login_blueprint.after_request
def forbid_storing(response: Response) -> Response:
    """Let no browser go back to a login."""
    response.headers["Cache-Control"] = "no-store"
    return response


def callback() -> str:
    """Give the address that browsers come back to."""
    return f"{request.root_url.rstrip('/')}/login/callback"


def keep(answer: BaseResponse, name: str, value: str, seconds: int) -> None:
    """Let the browser keep a cookie that no script can read."""
    answer.set_cookie(
        name,
        value,
        max_age=seconds,
        path=f"{request.script_root}/",
        secure=needs_https(request.scheme, request.host),
        httponly=True,
        samesite="Lax",
    )


def show_error(error: ServiceError) -> BaseResponse:
    """Say why nobody has logged in."""
    page = render_template("login.html", error=error.detail)
    return make_response(page, error.status, error.headers)


@login_blueprint.get("/login")
def begin_login() -> BaseResponse:
    """Lead the browser to the issuer."""
    try:
        page, kept = get_logins().page.begin(callback())
    except ServiceError as error:
        return show_error(error)
    answer = redirect(page, 303)
    keep(answer, ON_THE_WAY, kept, SECONDS_ON_THE_WAY)
    return answer


@login_blueprint.get("/login/first")
def show_login_needed() -> BaseResponse:
    """Say that a login is needed, and go on to it."""
    page = render_template("login.html", error="Log in first")
    return make_response(page, {"Refresh": f"0; url={request.script_root}/login"})


@login_blueprint.get("/login/callback")
def finish_login() -> BaseResponse:
    """Let the browser keep a login that the issuer confirms."""
    page = get_logins().page
    try:
        cookie = page.finish(request.args, request.cookies.get(ON_THE_WAY), callback())
    except ServiceError as error:
        return show_error(error)
    answer = redirect(f"{request.script_root}/", 303)
    keep(answer, COOKIE, cookie, page.seconds)
    answer.delete_cookie(ON_THE_WAY, path=f"{request.script_root}/")
    return answer


@login_blueprint.post("/logout")
def log_out_browser() -> BaseResponse:
    """End the login of the browser."""
    answer = redirect(f"{request.script_root}/", 303)
    answer.delete_cookie(COOKIE, path=f"{request.script_root}/")
    return answer
