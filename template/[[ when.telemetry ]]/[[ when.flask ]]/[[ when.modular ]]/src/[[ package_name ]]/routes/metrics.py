"""What Prometheus collects."""

from flask import Blueprint, Response

from ..metrics import CONTENT_TYPE, exposition

metrics_blueprint = Blueprint("metrics", __name__)


@metrics_blueprint.get("/metrics")
def read_metrics() -> Response:
    """Tell what was measured."""
    return Response(exposition(), content_type=CONTENT_TYPE)
