"""The pages."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from servicewright.questions import word

from ..dependencies import SettingsDep
from ..drafts import LONGEST_TEXT
from ..routing import OneThreadRoute
from ..templating import templates
from ..views import answers, preset_links, preview, values
from .builder import DraftsDep, read

pages_router = APIRouter(route_class=OneThreadRoute, include_in_schema=False)

# Who reads text, and takes whatever comes.
TERMINALS = ("curl/", "HTTPie/", "Wget/")


@pages_router.get("/")
def show_home(request: Request, settings: SettingsDep, drafts: DraftsDep) -> Response:
    """Show the home page: the questions, and the service that the answers in the query make."""
    agent = request.headers.get("User-Agent", "")
    if agent.startswith(TERMINALS) and "text/html" not in request.headers.get("Accept", ""):
        text = templates.get_template("usage.txt").render(
            address=str(request.base_url),
            message=settings.message,
            presets=drafts.presets,
            questions=drafts.open_questions,
        )
        return PlainTextResponse(text)
    draft, before, file = read(request, drafts)
    view = preview(request, draft, before, file)
    context = {
        "answers": answers,
        "brings": drafts.brings(draft),
        "draft": draft,
        "file": file,
        "longest": LONGEST_TEXT,
        "message": settings.message,
        "presets": preset_links(drafts, draft),
        "questions": drafts.open_questions,
        "values": values(drafts, draft),
        "view": view,
        "warnings": drafts.warnings,
        "word": word,
    }
    return templates.TemplateResponse(request, "home.html", context)
