#{% if when.modular %}
"""Uploads, processed after the response."""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, Request

#{% if when.basic_auth %}
from ..authentication import LoginRequired
#{% endif %}
from ..problems import InvalidRequest, Problem
from ..uploads import Filename, Upload, UploadAccepted, Uploads

#{% endif %}
uploads_router = APIRouter(
    prefix="/uploads", tags=["uploads"], responses={422: {"model": InvalidRequest}}
)


async def get_uploads(request: Request) -> Uploads:
    """Give the uploads."""
    uploads: Uploads = request.app.state.uploads
    return uploads


async def read_body(request: Request) -> bytes:
    """Read the bytes of the body."""
    return await request.body()


UploadsDep = Annotated[Uploads, Depends(get_uploads)]
BodyDep = Annotated[bytes, Depends(read_body)]
BINARY = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


@uploads_router.post(
    "/{filename}",
    status_code=202,
    #{% if when.basic_auth %}
    dependencies=[LoginRequired],
    responses={401: {"model": Problem}},
    #{% endif %}
    openapi_extra={"requestBody": {"content": BINARY}},
)
def upload_file(
    filename: Filename, body: BodyDep, uploads: UploadsDep, background_tasks: BackgroundTasks
) -> UploadAccepted:
    """Accept a file and process it later."""
    accepted = uploads.receive(filename, body)
    background_tasks.add_task(uploads.process, filename)
    return accepted


@uploads_router.get("/{filename}", responses={404: {"model": Problem}})
def read_upload(filename: Filename, uploads: UploadsDep) -> Upload:
    """Tell what has become of a file."""
    return uploads.get(filename)
