"""Where the command ``flask`` looks for the application."""

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.main import app
#{% endfilter %}

__all__ = ["app"]
