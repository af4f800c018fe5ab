#{% filter imports | fitted %}
"""The admin site: which tables it shows, and how."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import sqladmin
from sqlalchemy import delete
from sqlalchemy.orm import Session
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from pydantic import BaseModel
from wtforms import Form, PasswordField, StringField

from .admin_forms import STYLE, LinesField, SchemaForm
from .admin_login import AdminLogin, Guard, is_no_refusal
from .admin_tables import Sessions, Table, table
from .credentials import Password, Username
from .database import Database
from .passwords import hash_password
from .models import Login, User
#{% for resource in kept %}
#{% filter about(resource) %}
from .models import Widget
from .widgets import WidgetCreate, WidgetPublic, WidgetUpdate
#{% endfilter %}
#{% endfor %}
from .problems import UnfitError
from .security import Logins
from .tokens import Role


#{% if when.jwt %}
class UserEntry(BaseModel):
    """A user as an admin enters it."""

    username: Username
    password: Password | None = None
    roles: list[Role] = []


class LoginPublic(BaseModel):
    """What an admin sees of a login, to end it."""

    id: str
    user_id: int
    ends: int


class UserForm(SchemaForm):
    """What an admin enters of a user."""

    schema = UserEntry

    username = StringField(render_kw=STYLE)
    password = PasswordField(
        description="Empty: the one there is stays.",
        filters=[lambda password: password or None],
        render_kw=STYLE,
    )
    roles = LinesField(description="One a line, such as admin.", render_kw=STYLE)


class UserAdmin(Table, model=User):
    """The users. Another password ends the logins of the user."""

    form = UserForm
    form_columns = ("username", "roles")
    column_list = column_details_list = ("id", "username", "roles")
    column_sortable_list = ("id", "username")
    column_searchable_list = ("username",)

    async def insert_model(self, request: Request, data: dict[str, Any]) -> Any:
        """Add a user, who needs a password."""
        if not data["password"]:
            raise UnfitError("A new user needs a password")
        return await super().insert_model(request, await self.hashed(data))

    async def update_model(self, request: Request, pk: str, data: dict[str, Any]) -> Any:
        """Change a user."""
        user = await super().update_model(request, pk, await self.hashed(data))
        if data["password"]:
            # Now that none begins by the password before.
            await run_in_threadpool(self.end_logins, int(pk))
        return user

    async def hashed(self, data: dict[str, Any]) -> dict[str, Any]:
        """Give what is stored of what was entered, with the hash of a password."""
        user = UserEntry.model_validate(data)
        stored: dict[str, Any] = {"username": user.username, "roles": user.roles}
        if user.password:
            password = user.password.get_secret_value()
            stored["password_hash"] = await run_in_threadpool(hash_password, password)
        return stored

    def end_logins(self, user_id: int) -> None:
        """End all logins of a user."""
        session: Session
        with self.session_maker() as session:
            session.execute(delete(Login).where(Login.user_id == user_id))
            session.commit()


#{% endif %}
TABLES: list[type[Table]] = [
    #{% for resource in kept %}
    #{% filter about(resource) %}
    table(Widget, WidgetCreate, WidgetUpdate, WidgetPublic),
    #{% endfilter %}
    #{% endfor %}
    #{% if when.jwt %}
    UserAdmin,
    table(Login, public=LoginPublic, can_create=False, can_edit=False),
    #{% endif %}
    # Your own, such as table(Order):
]


def make_admin(
    app: Starlette,
    logins: Logins,
    database: Callable[..., Database],
    middlewares: Sequence[Middleware] = (),
) -> None:
    """Put the admin site at /admin of an application."""
    #{% if when.oidc %}
    login = AdminLogin(logins)
    #{% endif %}
    admin = sqladmin.Admin(
        app,
        session_maker=Sessions(database),
        title=[[ project_name | python_string ]],
        #{% if when.jwt %}
        authentication_backend=AdminLogin(logins, database),
        middlewares=[Middleware(Guard), *middlewares],
        #{% elif when.oidc %}
        templates_dir=str(Path(__file__).parent / "templates"),
        authentication_backend=login,
        middlewares=[Middleware(Guard, logins), *middlewares],
        #{% else %}
        middlewares=[Middleware(Guard, logins), *middlewares],
        #{% endif %}
    )
    #{% if when.bearer %}
    admin.admin.state.templates = admin.templates
    #{% endif %}
    #{% if when.oidc %}
    # In front of sqladmin's own page, which has a form for a password.
    admin.admin.router.routes[:0] = login.routes()
    #{% endif %}

    async def hand_on(request: Request, error: Exception) -> NoReturn:
        # The service answers errors itself.
        request.scope["app"] = app
        raise error

    admin.admin.add_exception_handler(Exception, hand_on)
    # What an admin is told is no error of the service.
    logging.getLogger("sqladmin.application").addFilter(is_no_refusal)
    for view in TABLES:
        admin.add_view(view.copy())
#{% endfilter %}
