"""What scripts get of a service before it is written, and what the page asks for."""

import io
import zipfile
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel

from ..drafts import BEFORE, FILE, Draft, Drafts, shared
from ..problems import InvalidRequest, Problem
from ..routing import OneThreadRoute
from ..views import answers, preview, values

builder_router = APIRouter(
    route_class=OneThreadRoute,
    tags=["builder"],
    responses={414: {"model": Problem}, 503: {"model": Problem}},
)

DraftsDep = Annotated[Drafts, Depends(shared)]

# The same answers give the same bytes.
BEGINNING = (1980, 1, 1, 0, 0, 0)
FILE_MODE = 0o100644


class Shown(BaseModel):
    """What the page shows of a service.

    Attributes:
        problems: What is wrong with the answers, by the name of the question.
        values: The answers to all questions, as the form shows them.
        asked: The names of the questions that are asked with these answers.
        link: The query that gives the same answers.
        summary: What the last change of answers did, in a sentence.
        preview: The tree, the file and the command as HTML; empty where something is wrong.
    """

    problems: dict[str, str]
    values: dict[str, str]
    asked: list[str]
    link: str
    summary: str
    preview: str


def read(request: Request, drafts: Drafts) -> tuple[Draft, Draft | None, str]:
    """Give the service that a query asks for, the one before it, and which file is to be shown."""
    pairs = request.query_params.multi_items()
    known = dict(pairs)
    before = None
    if known.get(BEFORE):
        before = drafts.at(known[BEFORE])
    given = [pair for pair in pairs if pair[0] not in {BEFORE, FILE}]
    return drafts.draw_up(given, before), before, known.get(FILE, "")


@builder_router.get(
    "/service.zip",
    response_class=Response,
    responses={200: {"content": {"application/zip": {}}}, 422: {"model": InvalidRequest}},
)
def download(request: Request, drafts: DraftsDep) -> Response:
    """Give the service as an archive.

    Each parameter of the query is an answer, such as `framework=flask`; `GET /questions` lists what
    can be answered. The other questions are answered with their defaults.
    """
    draft, _, _ = read(request, drafts)
    if draft.problems:
        raise RequestValidationError(
            [
                {"loc": ["query", name], "msg": problem, "type": "answer"}
                for name, problem in draft.problems.items()
            ]
        )
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in draft.files.items():
            about = zipfile.ZipInfo(f"{draft.folder}/{path}", BEGINNING)
            about.compress_type = zipfile.ZIP_DEFLATED
            about.create_system = 3
            about.external_attr = FILE_MODE << 16
            archive.writestr(about, content)
    name = f'attachment; filename="{draft.folder}.zip"'
    return Response(written.getvalue(), 200, {"Content-Disposition": name}, "application/zip")


class Asked(BaseModel):
    """A question.

    Attributes:
        name: The name of the parameter that answers it.
        help: What is asked.
        answers: The answers that it takes; None when any text may do.
        default: The answer where none is given.
    """

    name: str
    help: str
    answers: list[str] | None
    default: str


@builder_router.get("/questions")
def list_questions(drafts: DraftsDep) -> list[Asked]:
    """List what can be answered."""
    defaults = values(drafts, drafts.draw_up([]))
    return [
        Asked(
            name=question.name,
            help=question.help,
            answers=None if question.answers is None else answers(question),
            default=defaults[question.name],
        )
        for question in drafts.open_questions
    ]


@builder_router.get("/draft", include_in_schema=False)
def show_draft(request: Request, drafts: DraftsDep) -> Shown:
    """Give what the page shows of a service."""
    draft, before, file = read(request, drafts)
    view = preview(request, draft, before, file)
    return Shown(
        problems=dict(draft.problems),
        values=values(drafts, draft),
        asked=sorted(draft.asked),
        link=draft.link,
        summary=view.summary,
        preview=view.html,
    )


@builder_router.get("/consequences", include_in_schema=False)
def list_consequences(request: Request, drafts: DraftsDep) -> dict[str, dict[str, str]]:
    """Give for each answer to each question what it brings."""
    draft, _, _ = read(request, drafts)
    return {name: dict(texts) for name, texts in drafts.brings(draft).items()}
