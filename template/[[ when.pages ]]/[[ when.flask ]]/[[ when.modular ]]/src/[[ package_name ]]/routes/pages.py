#{% filter imports | fitted %}
"""The pages."""

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from ..authentication import get_visitor, login_required, page_login_required
from ..dependencies import get_settings
#{% for resource in kept %}
#{% filter about(resource) %}
from ..dependencies import get_widget_store
from ..pages import read_widget_form
#{% endfilter %}
#{% endfor %}
from ..tokens import Account
#{% for resource in paged if resource.references %}
#{% filter about(resource) %}
from ..widgets import WidgetQuery
#{% endfilter %}
#{% endfor %}

pages_blueprint = Blueprint("pages", __name__)


@pages_blueprint.app_context_processor
def give_root_path() -> dict[str, str]:
    """Tell each template the path below which the service is served."""
    return {"root_path": request.script_root}

#{% if when.login_page %}

@pages_blueprint.app_context_processor
def give_visitor() -> dict[str, Account | None]:
    """Tell each template who visits the page."""
    return {"visitor": get_visitor()}

#{% endif %}
#{% if when.items_page %}

def render_home(form: dict[str, str], errors: dict[str, str]) -> Response:
    """Show the items and the form for a new one."""
    items, total = get_item_store().page(None, 100, 0)
    page = render_template(
        "home.html",
        message=get_settings().message,
        items=items,
        total=total,
        form=form,
        errors=errors,
    )
    return make_response(page, 422 if errors else 200)


@pages_blueprint.get("/")
def show_home() -> Response:
    """Show the home page."""
    return render_home({}, {})


@pages_blueprint.post("/")
#{% if when.login_page %}
@page_login_required
#{% elif when.auth %}
@login_required
#{% endif %}
def add_item() -> BaseResponse:
    """Add the item in the form and show the page anew, or say what is wrong with it."""
    form = dict(request.form.items(multi=True))
    item, errors = read_item_form(form)
    if item is None:
        return render_home(form, errors)
    get_item_store().add(item)
    return redirect(url_for(".show_home"), 303)
#{% else %}

@pages_blueprint.get("/")
def show_home() -> str:
    """Show the home page."""
    return render_template("home.html", message=get_settings().message)
#{% endif %}
#{% for resource in paged %}
#{% filter about(resource) %}


def render_widgets(form: dict[str, str], errors: set[str]) -> Response:
    """Show the [[ resource.labels ]] and the form for a new one."""
    rows, total = get_widget_store().page([[ resource.first_page ]])
    page = render_template("widgets.html", rows=rows, total=total, form=form, errors=errors)
    return make_response(page, 422 if errors else 200)


@pages_blueprint.get("/pages/widgets")
def show_widgets() -> Response:
    """Show the [[ resource.labels ]]."""
    return render_widgets({}, set())


@pages_blueprint.post("/pages/widgets")
#{% if when.login_page %}
@page_login_required
#{% elif when.auth %}
@login_required
#{% endif %}
def add_widget() -> BaseResponse:
    """Add the [[ resource.label ]] in the form and show the page anew, or say what is wrong with it."""
    form = dict(request.form.items(multi=True))
    widget, errors = read_widget_form(form)
    if widget is None:
        return render_widgets(form, errors)
    get_widget_store().add(widget)
    return redirect(url_for(".show_widgets"), 303)
#{% endfilter %}
#{% endfor %}
#{% endfilter %}
