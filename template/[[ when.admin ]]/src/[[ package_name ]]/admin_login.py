#{% filter imports | fitted %}
"""Who may use the admin site."""

import logging
from collections.abc import Callable, Mapping

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from sqladmin.authentication import AuthenticationBackend
from sqladmin.templating import Jinja2Templates

from .browsers import is_from_another_site
from .database import Database
from .login_page import COOKIE, ON_THE_WAY, SECONDS_ON_THE_WAY, needs_https, read_login_form
from .problems import ServiceError
from .security import Logins, MissingRoleError
from .tokens import Account
from .users import UserStore


#{% if when.cors or when.bearer %}
class ForeignRequestError(ServiceError):
    """The page of another site has a browser do something."""

    status = 403

    def __init__(self) -> None:
        super().__init__("This request comes from another site")


#{% endif %}
class Guard:
    #{% if when.jwt %}
    """Looks at each request before the admin site does."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
    #{% elif when.oidc %}
    """Looks at each request before the admin site does, and at who has logged in."""

    def __init__(self, app: ASGIApp, logins: Logins) -> None:
        self.app = app
        self.logins = logins
    #{% else %}
    """Asks for the name and the password before the admin site does anything."""

    def __init__(self, app: ASGIApp, logins: Logins) -> None:
        self.app = app
        self.logins = logins
    #{% endif %}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have a request answered; what an admin sees is not stored by the browser."""
        #{% if when.cors or not when.jwt %}
        connection = HTTPConnection(scope)
        #{% endif %}
        #{% if when.cors %}
        # The pages of the origins that may use the API may not use this.
        if is_from_another_site(scope["method"], connection.headers):
            raise ForeignRequestError
        #{% endif %}
        #{% if when.basic_logins %}
        address = connection.client.host if connection.client else None
        self.logins.username(connection.headers.get("Authorization"), address)
        #{% endif %}
        is_page = not is_static(scope)
        #{% if when.oidc %}
        if is_page:
            # Before there is a connection to the database, which would wait for the issuer, too.
            given = connection.headers.get("Authorization"), connection.cookies.get(COOKIE)
            connection.state.account = await run_in_threadpool(self.logins.visitor, *given)
        #{% endif %}

        async def send_unstored(message: Message) -> None:
            if message["type"] == "http.response.start" and is_page:
                MutableHeaders(scope=message)["Cache-Control"] = "no-store"
            await send(message)

        await self.app(scope, receive, send_unstored)


def is_static(scope: Scope) -> bool:
    """Tell whether a request is for a style sheet, a script or a font."""
    path: str = scope["path"]
    return path.removeprefix(scope["root_path"]).startswith("/statics/")


def is_no_refusal(record: logging.LogRecord) -> bool:
    """Tell an error from what an admin is told of a row that cannot be stored."""
    return not isinstance(record.msg, ServiceError)
#{% if when.jwt %}


class AdminLogin(AuthenticationBackend):
    """Lets in users who have the role admin, with the login of a browser or an access token."""

    def __init__(self, logins: Logins, database: Callable[..., Database]) -> None:
        self.middlewares = []
        self._logins = logins
        self._database = database

    async def authenticate(self, request: Request) -> bool:
        """Tell whether somebody has logged in; who is no admin is refused."""
        visitor = await run_in_threadpool(
            self._visitor, request.headers.get("Authorization"), request.cookies.get(COOKIE)
        )
        if visitor and "admin" not in visitor.roles:
            raise MissingRoleError("admin")
        return visitor is not None

    async def login(self, request: Request) -> Response:
        """Let the browser keep a login, or say what is wrong with the form."""
        async with request.form() as form:
            given = {name: str(form.get(name, "")) for name in ("username", "password")}
        address = request.client.host if request.client else None
        try:
            token = await run_in_threadpool(self._begin, given, address)
        except ServiceError as error:
            templates: Jinja2Templates = request.app.state.templates
            page = await templates.TemplateResponse(
                request, "sqladmin/login.html", {"error": error.detail}, error.status
            )
            page.headers.update(error.headers)
            return page
        answer = RedirectResponse(request.url_for("admin:index"), 303)
        answer.set_cookie(
            COOKIE,
            token,
            max_age=self._logins.seconds,
            path=self._path(request),
            secure=needs_https(request.scope["scheme"], request.headers.get("Host", "")),
            httponly=True,
            samesite="lax",
        )
        return answer

    async def logout(self, request: Request) -> Response:
        """End the login of the browser."""
        if is_from_another_site("POST", request.headers):
            raise ForeignRequestError
        await run_in_threadpool(self._end, request.cookies.get(COOKIE, ""))
        answer = RedirectResponse(request.url_for("admin:login"), 303)
        answer.delete_cookie(COOKIE, path=self._path(request))
        return answer

    def _visitor(self, authorization: str | None, token: str | None) -> Account | None:
        with self._database().session() as session:
            return self._logins.visitor(UserStore(session), authorization, token)

    def _begin(self, given: Mapping[str, str], address: str | None) -> str:
        with self._database().session() as session:
            user, token = self._logins.begin(UserStore(session), read_login_form(given), address)
            if "admin" not in user.roles:
                raise MissingRoleError("admin")
            return token

    def _end(self, token: str) -> None:
        with self._database().session() as session:
            self._logins.end(UserStore(session), token)

#{% elif when.oidc %}


class AdminLogin(AuthenticationBackend):
    """Lets in users who have the role admin, with the login of a browser or an access token."""

    def __init__(self, logins: Logins) -> None:
        self.middlewares = []
        self._page = logins.page

    def routes(self) -> list[Route]:
        """Give the pages on the way to the issuer and back."""
        return [
            Route("/login", self.login),
            Route("/login/first", self.show_login, name="first"),
            Route("/login/callback", self.finish, name="callback"),
        ]

    async def authenticate(self, request: Request) -> Response | bool:
        """Tell whether somebody has logged in; who is no admin is refused."""
        visitor: Account | None = request.state.account
        if visitor and "admin" not in visitor.roles:
            raise MissingRoleError("admin")
        if visitor is None and request.method == "POST":
            # Browsers follow no redirection of a form's to the issuer, but go on from a page.
            return RedirectResponse(request.url_for("admin:first"), 303)
        return visitor is not None

    async def login(self, request: Request) -> Response:
        """Lead the browser to the issuer."""
        callback = str(request.url_for("admin:callback"))
        try:
            page, kept = await run_in_threadpool(self._page.begin, callback)
        except ServiceError as error:
            return await self._refuse(request, error)
        answer = RedirectResponse(page, 303)
        self._keep(request, answer, ON_THE_WAY, kept, SECONDS_ON_THE_WAY)
        return answer

    async def show_login(self, request: Request) -> Response:
        """Show where the way to the issuer begins."""
        templates: Jinja2Templates = request.app.state.templates
        return await templates.TemplateResponse(request, "sqladmin/login.html")

    async def finish(self, request: Request) -> Response:
        """Let the browser keep a login that the issuer confirms, if it is that of an admin."""
        kept = request.cookies.get(ON_THE_WAY)
        callback = str(request.url_for("admin:callback"))
        try:
            cookie = await run_in_threadpool(
                self._page.finish, request.query_params, kept, callback
            )
            account = self._page.account(cookie)
            if account is None or "admin" not in account.roles:
                raise MissingRoleError("admin")
        except ServiceError as error:
            return await self._refuse(request, error)
        answer = RedirectResponse(request.url_for("admin:index"), 303)
        self._keep(request, answer, COOKIE, cookie, self._page.seconds)
        answer.delete_cookie(ON_THE_WAY, path=self._path(request))
        return answer

    async def logout(self, request: Request) -> Response:
        """End the login of the browser."""
        if is_from_another_site("POST", request.headers):
            raise ForeignRequestError
        answer = RedirectResponse(request.url_for("admin:first"), 303)
        answer.delete_cookie(COOKIE, path=self._path(request))
        return answer

    @staticmethod
    async def _refuse(request: Request, error: ServiceError) -> Response:
        templates: Jinja2Templates = request.app.state.templates
        page = await templates.TemplateResponse(
            request, "sqladmin/login.html", {"error": error.detail}, error.status
        )
        page.headers.update(error.headers)
        return page

    def _keep(
        self, request: Request, answer: Response, name: str, value: str, seconds: int
    ) -> None:
        answer.set_cookie(
            name,
            value,
            max_age=seconds,
            path=self._path(request),
            secure=needs_https(request.scope["scheme"], request.headers.get("Host", "")),
            httponly=True,
            samesite="lax",
        )

#{% endif %}
#{% if when.bearer %}
    @staticmethod
    def _path(request: Request) -> str:
        # The cookie is that of all pages of the service.
        return f"{request.scope['root_path'].removesuffix('/admin')}/"
#{% endif %}
#{% endfilter %}
