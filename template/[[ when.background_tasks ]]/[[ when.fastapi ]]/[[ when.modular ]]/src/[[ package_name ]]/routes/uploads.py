"""Uploads, processed [[ "by workers" if when.celery else "after the response" ]]."""

from typing import Annotated

#{% if when.celery %}
from fastapi import APIRouter, Depends, Request
#{% else %}
from fastapi import APIRouter, BackgroundTasks, Depends, Request
#{% endif %}
from fastapi.concurrency import contextmanager_in_threadpool, run_in_threadpool
from fastapi.requests import HTTPConnection

#{% if when.auth %}
from ..authentication import LoginRequired
#{% endif %}
#{% if when.in_process and when.telemetry %}
from ..background import run_after_response
#{% endif %}
from ..dependencies import state_of
from ..problems import InvalidRequest, Problem
from ..uploads import Filename, Upload, UploadAccepted, Uploads

uploads_router = APIRouter(
    prefix="/uploads", tags=["uploads"], responses={422: {"model": InvalidRequest}}
)


async def get_uploads(connection: HTTPConnection) -> Uploads:
    """Give the uploads."""
    uploads: Uploads = state_of(connection).uploads
    return uploads


UploadsDep = Annotated[Uploads, Depends(get_uploads)]
BINARY = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


@uploads_router.post(
    "/{filename}",
    status_code=202,
    #{% if when.auth %}
    dependencies=[LoginRequired],
    responses={401: {"model": Problem}},
    #{% endif %}
    openapi_extra={"requestBody": {"content": BINARY}},
)
#{% if when.celery %}
async def upload_file(filename: Filename, request: Request, uploads: UploadsDep) -> UploadAccepted:
    """Accept a file and process it later."""
#{% else %}
async def upload_file(
    filename: Filename, request: Request, uploads: UploadsDep, background_tasks: BackgroundTasks
) -> UploadAccepted:
    """Accept a file and process it later."""
#{% endif %}
    async with contextmanager_in_threadpool(uploads.receiving(filename)) as file:
        async for chunk in request.stream():
            await run_in_threadpool(file.write, chunk)
    #{% if when.in_process and when.telemetry %}
    run_after_response(background_tasks, uploads.process, filename)
    #{% elif when.in_process %}
    background_tasks.add_task(uploads.process, filename)
    #{% endif %}
    return UploadAccepted(filename=filename)


@uploads_router.get("/{filename}", responses={404: {"model": Problem}})
def read_upload(filename: Filename, uploads: UploadsDep) -> Upload:
    """Tell what has become of a file."""
    return uploads.get(filename)
