"""Uploads, processed [[ "by workers" if when.celery else "after the response" ]]."""

from shutil import copyfileobj

from flask import Blueprint, current_app, request

#{% if when.auth %}
from ..authentication import login_required
#{% endif %}
#{% if when.in_process %}
from ..background import run_after_response
#{% endif %}
from ..openapi import operation
from ..uploads import Filename, Upload, UploadAccepted, Uploads

uploads_blueprint = Blueprint("uploads", __name__, url_prefix="/uploads")


def get_uploads() -> Uploads:
    """Give the uploads."""
    uploads: Uploads = current_app.extensions["uploads"]
    return uploads


BINARY = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


@uploads_blueprint.post("/<filename>")
#{% if when.auth %}
@login_required
#{% endif %}
@operation(status=202, requestBody={"content": BINARY})
def upload_file(filename: Filename) -> UploadAccepted:
    """Accept a file and process it later."""
    uploads = get_uploads()
    with uploads.receiving(filename) as file:
        copyfileobj(request.stream, file)
    #{% if when.in_process %}
    run_after_response(uploads.process, filename)
    #{% endif %}
    return UploadAccepted(filename=filename)


@uploads_blueprint.get("/<filename>")
@operation(errors=[404])
def read_upload(filename: Filename) -> Upload:
    """Tell what has become of a file."""
    return get_uploads().get(filename)
