"""The page to log in, and the way out."""

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from ..authentication import get_logins, get_user_store
from ..login_page import COOKIE, needs_https, read_login_form
from ..problems import ServiceError

login_blueprint = Blueprint("login", __name__)


@login_blueprint.after_request
def forbid_storing(response: Response) -> Response:
    """Let no browser go back to a login."""
    response.headers["Cache-Control"] = "no-store"
    return response


@login_blueprint.get("/login")
def show_login() -> str:
    """Show the form."""
    return render_template("login.html")


@login_blueprint.post("/login")
def log_in_browser() -> BaseResponse:
    """Let the browser keep a login, or say what is wrong with the form."""
    form = dict(request.form.items(multi=True))
    logins, users = get_logins(), get_user_store()
    try:
        _, token = logins.begin(users, read_login_form(form), request.remote_addr)
    except ServiceError as error:
        page = render_template("login.html", error=error.detail, username=form.get("username", ""))
        return make_response(page, error.status, error.headers)
    answer = redirect(f"{request.script_root}/", 303)
    answer.set_cookie(
        COOKIE,
        token,
        max_age=logins.seconds,
        path=f"{request.script_root}/",
        secure=needs_https(request.scheme, request.host),
        httponly=True,
        samesite="Lax",
    )
    return answer


@login_blueprint.post("/logout")
def log_out_browser() -> BaseResponse:
    """End the login of the browser."""
    get_logins().end(get_user_store(), request.cookies.get(COOKIE, ""))
    answer = redirect(f"{request.script_root}/", 303)
    answer.delete_cookie(COOKIE, path=f"{request.script_root}/")
    return answer
