"""What workers run: ``celery --app [[ package_name ]].worker worker``."""

# The application, because it has the settings of the jobs and knows the modules that they are in.
from . import main
from .celery_app import celery

__all__ = ["celery", "main"]
