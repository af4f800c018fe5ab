#{% filter imports | fitted %}
"""The pages."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from ..authentication import LoginRequired, PageLoginRequired, get_visitor
from ..dependencies import SettingsDep
#{% for resource in kept %}
#{% filter about(resource) %}
from ..dependencies import WidgetStoreDep
from ..pages import read_widget_form
#{% endfilter %}
#{% endfor %}
from ..routing import OneThreadRoute
from ..settings import Settings
#{% for resource in paged if resource.references %}
#{% filter about(resource) %}
from ..widgets import WidgetQuery
#{% endfilter %}
#{% endfor %}
#{% for resource in kept %}
#{% filter about(resource) %}
from ..store import WidgetStore
#{% endfilter %}
#{% endfor %}
from ..templating import templates
from .login import FormDep

#{% if when.login_page %}
# The templates are told who visits them.
pages_router = APIRouter(
    route_class=OneThreadRoute, include_in_schema=False, dependencies=[Depends(get_visitor)]
)
#{% else %}
pages_router = APIRouter(route_class=OneThreadRoute, include_in_schema=False)
#{% endif %}

#{% if when.resources and not when.password_page %}

async def read_form(request: Request) -> dict[str, str]:
    """Read the text fields of a form."""
    form = await request.form()
    return {name: value for name, value in form.items() if isinstance(value, str)}


FormDep = Annotated[dict[str, str], Depends(read_form)]

#{% endif %}
#{% if when.items_page %}

def render_home(
    request: Request,
    settings: Settings,
    store: ItemStore,
    form: dict[str, str],
    errors: dict[str, str],
) -> Response:
    """Show the items and the form for a new one."""
    items, total = store.page(None, 100, 0)
    context = {
        "message": settings.message,
        "items": items,
        "total": total,
        "form": form,
        "errors": errors,
    }
    return templates.TemplateResponse(
        request, "home.html", context, status_code=422 if errors else 200
    )


@pages_router.get("/")
def show_home(request: Request, settings: SettingsDep, store: ItemStoreDep) -> Response:
    """Show the home page."""
    return render_home(request, settings, store, {}, {})


#{% if when.login_page %}
@pages_router.post("/", dependencies=[PageLoginRequired])
#{% elif when.auth %}
@pages_router.post("/", dependencies=[LoginRequired])
#{% else %}
@pages_router.post("/")
#{% endif %}
def add_item(request: Request, settings: SettingsDep, store: ItemStoreDep, form: FormDep) -> Response:
    """Add the item in the form and show the page anew, or say what is wrong with it."""
    item, errors = read_item_form(form)
    if item is None:
        return render_home(request, settings, store, form, errors)
    store.add(item)
    return RedirectResponse(request.url_for("show_home").path, status_code=303)
#{% else %}

@pages_router.get("/")
def show_home(request: Request, settings: SettingsDep) -> Response:
    """Show the home page."""
    return templates.TemplateResponse(request, "home.html", {"message": settings.message})
#{% endif %}
#{% for resource in paged %}
#{% filter about(resource) %}


def render_widgets(request: Request, store: WidgetStore, form: dict[str, str], errors: set[str]) -> Response:
    """Show the [[ resource.labels ]] and the form for a new one."""
    rows, total = store.page([[ resource.first_page ]])
    context = {"rows": rows, "total": total, "form": form, "errors": errors}
    status = 422 if errors else 200
    return templates.TemplateResponse(request, "widgets.html", context, status_code=status)


@pages_router.get("/pages/widgets")
def show_widgets(request: Request, store: WidgetStoreDep) -> Response:
    """Show the [[ resource.labels ]]."""
    return render_widgets(request, store, {}, set())


#{% if when.login_page %}
@pages_router.post("/pages/widgets", dependencies=[PageLoginRequired])
#{% elif when.auth %}
@pages_router.post("/pages/widgets", dependencies=[LoginRequired])
#{% else %}
@pages_router.post("/pages/widgets")
#{% endif %}
def add_widget(request: Request, store: WidgetStoreDep, form: FormDep) -> Response:
    """Add the [[ resource.label ]] in the form and show the page anew, or say what is wrong with it."""
    widget, errors = read_widget_form(form)
    if widget is None:
        return render_widgets(request, store, form, errors)
    store.add(widget)
    return RedirectResponse(request.url_for("show_widgets").path, status_code=303)
#{% endfilter %}
#{% endfor %}
#{% endfilter %}
