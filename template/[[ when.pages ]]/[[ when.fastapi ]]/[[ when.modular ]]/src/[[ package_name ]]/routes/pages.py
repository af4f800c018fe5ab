#{% filter imports | fitted %}
"""The pages."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from ..authentication import LoginRequired
from ..dependencies import SettingsDep, ItemStoreDep
from ..pages import read_item_form
from ..routing import OneThreadRoute
from ..settings import Settings
from ..store import ItemStore
from ..templating import templates

pages_router = APIRouter(route_class=OneThreadRoute, include_in_schema=False)

#{% if when.items_page %}

async def read_form(request: Request) -> dict[str, str]:
    """Read the text fields of a form."""
    form = await request.form()
    return {name: value for name, value in form.items() if isinstance(value, str)}


FormDep = Annotated[dict[str, str], Depends(read_form)]


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


#{% if when.basic_auth %}
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
#{% endfilter %}
