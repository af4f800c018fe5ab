"""The page to log in, and the way out."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from ..authentication import AddressDep, LoginsDep, UserStoreDep, get_visitor
from ..login_page import COOKIE, needs_https, read_login_form
from ..problems import ServiceError
from ..routing import OneThreadRoute
from ..templating import templates

login_router = APIRouter(
    route_class=OneThreadRoute, include_in_schema=False, dependencies=[Depends(get_visitor)]
)

# No browser goes back to a login.
NOT_STORED = {"Cache-Control": "no-store"}


async def read_form(request: Request) -> dict[str, str]:
    """Read the text fields of a form."""
    form = await request.form()
    return {name: value for name, value in form.items() if isinstance(value, str)}


FormDep = Annotated[dict[str, str], Depends(read_form)]


@login_router.get("/login")
def show_login(request: Request) -> Response:
    """Show the form."""
    return templates.TemplateResponse(request, "login.html", headers=NOT_STORED)


@login_router.post("/login")
def log_in_browser(
    request: Request, form: FormDep, users: UserStoreDep, logins: LoginsDep, address: AddressDep
) -> Response:
    """Let the browser keep a login, or say what is wrong with the form."""
    try:
        _, token = logins.begin(users, read_login_form(form), address)
    except ServiceError as error:
        context = {"error": error.detail, "username": form.get("username", "")}
        return templates.TemplateResponse(
            request,
            "login.html",
            context,
            status_code=error.status,
            headers={**error.headers, **NOT_STORED},
        )
    home = f"{request.scope.get('root_path', '')}/"
    answer = RedirectResponse(home, 303, NOT_STORED)
    answer.set_cookie(
        COOKIE,
        token,
        max_age=logins.seconds,
        path=home,
        secure=needs_https(request.scope["scheme"], request.headers.get("Host", "")),
        httponly=True,
        samesite="lax",
    )
    return answer


@login_router.post("/logout")
def log_out_browser(request: Request, users: UserStoreDep, logins: LoginsDep) -> Response:
    """End the login of the browser."""
    logins.end(users, request.cookies.get(COOKIE, ""))
    home = f"{request.scope.get('root_path', '')}/"
    answer = RedirectResponse(home, 303, NOT_STORED)
    answer.delete_cookie(COOKIE, path=home)
    return answer
