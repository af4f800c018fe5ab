"""What six more owners did in their first year: scripts for the corpus.

They were written when the merge was there already, to find what it did not settle.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PACKAGE = "src/orders"

CLOCK = '''"""The time."""

from collections.abc import Callable
from datetime import datetime

Clock = Callable[[], datetime]
now = datetime.now
'''

HANDLERS = {
    "fastapi": '''async def on_lookup_error(_: HTTPConnection, error: LookupError) -> Response:
    """Answer what is nowhere."""
    return answer(404, Problem(detail=str(error)))


''',
    "flask": '''def on_lookup_error(error: LookupError) -> Response:
    """Answer what is nowhere."""
    return answer(404, str(error))


''',
}

ERRORS = {
    "fastapi": {
        "    body = problem.model_dump_json()\n": (
            '    body = problem.model_copy(update={"status": status}).model_dump_json()\n'
        ),
        "InvalidRequest(detail=": "InvalidRequest(errors=",
        '    return JSONResponse({"detail": detail}, error.status_code, headers)\n': (
            '    problem = {"title": "HTTP", "status": error.status_code, "detail": detail}\n'
            "    return JSONResponse(problem, error.status_code, headers)\n"
        ),
        "    return answer(error.status, Problem(detail=error.detail), error.headers)\n": (
            "    problem = Problem(type=error.code, detail=error.detail)\n"
            "    return answer(error.status, problem, error.headers)\n"
        ),
        "    app.exception_handler(ServiceError)(on_service_error)\n": (
            "    app.exception_handler(ServiceError)(on_service_error)\n"
            "    app.exception_handler(LookupError)(on_lookup_error)\n"
        ),
    },
    "flask": {
        'BODY.dump_json({"detail": detail})': (
            'BODY.dump_json({"type": "about:blank", "status": status, "detail": detail})'
        ),
        "    return answer(422, error.fields)\n": (
            '    return answer(422, {"errors": error.fields})\n'
        ),
        "    app.register_error_handler(ServiceError, on_service_error)\n": (
            "    app.register_error_handler(ServiceError, on_service_error)\n"
            "    app.register_error_handler(LookupError, on_lookup_error)\n"
        ),
    },
}

SHIPPED = {
    "Dockerfile": {
        "FROM docker.io/library/python:3.11-slim-bookworm AS base\n": (
            "ARG TAG=3.13-slim-trixie\nFROM registry.acme.dev/python:${TAG} AS base\n"
            "ENV PIP_NO_CACHE_DIR=1\n"
        ),
        "ENV UV_COMPILE_BYTECODE=1 ": (
            "ENV UV_INDEX_URL=https://pypi.acme.dev/simple UV_COMPILE_BYTECODE=1 "
        ),
        "WORKDIR /app\n": "WORKDIR /opt/orders\n",
        "/app/.venv": "/opt/orders/.venv",
        "USER 10001\n": "COPY --chown=10001 entrypoint.sh ./\nUSER 10001\n",
        'CMD ["gunicorn",': 'ENTRYPOINT ["./entrypoint.sh"]\nCMD ["gunicorn",',
    },
    "compose.yaml": {
        "    build: .\n": (
            "    build:\n      context: .\n      args:\n        TAG: 3.13-slim-trixie\n"
            "    image: registry.acme.dev/orders:${TAG:-dev}\n"
        ),
        "    # This machine alone reaches it; a proxy that speaks HTTPS may let others in.\n"
        '    ports:\n      - "127.0.0.1:${PORT:-8000}:${PORT:-8000}"\n': (
            '    labels:\n      traefik.enable: "true"\n'
            "      traefik.http.routers.orders.rule: Host(`orders.acme.dev`)\n"
        ),
        "      HOST: 0.0.0.0\n": "      HOST: 0.0.0.0\n      SENTRY_DSN: ${SENTRY_DSN:-}\n",
        "    stop_grace_period: 40s\n": "    stop_grace_period: 90s\n",
        "  # Your own services:\n": (
            "  traefik:\n    image: traefik:3\n    ports:\n      - 443:443\n\n"
            "  mailpit:\n    image: axllent/mailpit\n"
        ),
    },
    "gunicorn.conf.py": {
        "timeout = settings.web_timeout\n": (
            "timeout = settings.web_timeout\nmax_requests = 10_000\nmax_requests_jitter = 500\n"
        ),
        "workers = settings.web_concurrency\n": "workers = settings.web_concurrency * 2\n",
    },
    ".gitlab-ci.yml": {
        "check:\n  extends: .uv\n": (
            "stages: [check, build, deploy]\n\ncheck:\n  extends: .uv\n  stage: check\n"
        ),
    },
    ".pre-commit-config.yaml": {
        "repos:\n": (
            "repos:\n  - repo: https://github.com/pre-commit/pre-commit-hooks\n    rev: v6.0.0\n"
            "    hooks:\n      - id: end-of-file-fixer\n"
        ),
    },
}

SETTINGS = {
    "log_level": "logging_level",
    "log_format": "logging_format",
    "web_timeout": "timeout",
    "data_directory": "upload_directory",
}


def swap(path: Path, old: str, new: str) -> None:
    """Put a text in the place of another, which is there."""
    text = path.read_text()
    assert old in text, (path.name, old)
    path.write_text(text.replace(old, new))


def is_fastapi(project: Path) -> bool:
    """Tell which framework it is."""
    return (project / PACKAGE / "routing.py").exists()


def modules(project: Path) -> list[Path]:
    """List the modules of the service and of its tests."""
    return sorted([*(project / "src").rglob("*.py"), *(project / "tests").rglob("*.py")])


def serve_a_version(project: Path) -> None:
    """Put the routes below /api/v1, in a package for the version, with a router for all."""
    package = project / PACKAGE
    (package / "api").mkdir()
    (package / "api" / "__init__.py").write_text('"""The API in its versions."""\n')
    (package / "routes").rename(package / "api" / "v1")
    for path in (package / "api" / "v1").glob("*.py"):
        path.write_text(path.read_text().replace("from ..", "from ..."))
    kind, verb, word, made = "blueprint", "register_blueprint", "Blueprint", '"v1", __name__, url_'
    if is_fastapi(project):
        kind, verb, word, made = "router", "include_router", "APIRouter", ""
    path = package / "app.py"
    text = path.read_text().replace("from .routes.", "from .api.v1.")
    for name in ("items", "account", "uploads"):
        text = text.replace(f"    app.{verb}({name}_{kind})\n", f"    v1.{verb}({name}_{kind})\n")
    first = text.index(f"    v1.{verb}(")
    text = f'{text[:first]}    v1 = {word}({made}prefix="/api/v1")\n{text[first:]}'
    end = text.index("\n", text.rindex(f"    v1.{verb}(")) + 1
    text = f"{text[:end]}    app.{verb}(v1)\n{text[end:]}"
    path.write_text(re.sub(r"\nfrom (fastapi|flask) import ", rf"\g<0>{word}, ", text, count=1))
    ruff = (sys.executable, "-m", "ruff", "check", "--select=I", "--fix", "--quiet", "--no-cache")
    subprocess.run(ruff, cwd=project, check=True)
    for path in sorted((project / "tests").glob("test_*.py")):
        text = re.sub(r'"/(items|account|uploads)\b', r'"/api/v1/\1', path.read_text())
        path.write_text(text)


def answer_errors_otherwise(project: Path) -> None:
    """Answer errors as RFC 9457 has them, with a code of one's own and one more handler."""
    framework = "fastapi" if is_fastapi(project) else "flask"
    path = project / PACKAGE / "problems.py"
    swap(
        path,
        '    """Any error but a 422."""\n\n    detail: str\n',
        '    """Any error, as RFC 9457 has it."""\n\n    type: str = "about:blank"\n'
        '    title: str = ""\n    status: int = 500\n    detail: str\n',
    )
    swap(path, "    detail: list[InvalidField]\n", "    errors: list[InvalidField]\n")
    swap(path, "    status = 500\n", '    status = 500\n    code = "internal"\n')
    swap(path, "    status = 404\n", '    status = 404\n    code = "missing"\n')
    path = project / PACKAGE / "errors.py"
    swap(path, '"""Every error as JSON."""', '"""Every error as problem+json (RFC 9457)."""')
    swap(path, "application/json", "application/problem+json")
    for old, new in ERRORS[framework].items():
        swap(path, old, new)
    swap(path, "def init_app(", f"{HANDLERS[framework]}def init_app(")
    for path in sorted((project / "tests").glob("*.py")):
        told = r'\.json\(\) == \{"detail": ("[^"\n]*")\}'
        path.write_text(re.sub(told, r'.json()["detail"] == \1', path.read_text()))


def build_otherwise(project: Path) -> None:
    """Give the factory another name and shape: routes in a function, and a clock from outside."""
    for path in [*modules(project), project / "README.md"]:
        path.write_text(re.sub(r"\bcreate_app\b", "build_app", path.read_text()))
    path = project / PACKAGE / "app.py"
    kind, verb, clock = "Flask", "register_blueprint", 'app.extensions["clock"]'
    if is_fastapi(project):
        kind, verb, clock = "FastAPI", "include_router", "app.state.clock"
    lines = path.read_text().splitlines(keepends=True)
    routes = [line for line in lines if line.startswith(f"    app.{verb}(")]
    first = lines.index(routes[0])
    lines = [line for line in lines if line not in routes]
    text = "".join([*lines[:first], "    install_routes(app)\n", *lines[first:]])
    own = f'def install_routes(app: {kind}) -> None:\n    """Add all routes."""\n{"".join(routes)}'
    text = text.replace("def build_app(settings", f"{own}\n\ndef build_app(settings", 1)
    text = text.replace(" | None = None) -> ", " | None = None, clock: Clock = now) -> ", 1)
    text = text.replace("    return app\n", f"    {clock} = clock\n    return app\n")
    imported = "from .clock import Clock, now\nfrom .database import"
    path.write_text(text.replace("from .database import", imported, 1))
    ruff = (sys.executable, "-m", "ruff", "format", "--quiet", "--no-cache", str(path))
    subprocess.run(ruff, cwd=project, check=True)
    (project / PACKAGE / "clock.py").write_text(CLOCK)


def format_in_another_style(project: Path) -> None:
    """Format with single quotes and one import a line, and check types with another tool."""
    path = project / "pyproject.toml"
    text = path.read_text().replace("line-length = 100", "line-length = 88")
    text = re.sub(r'    "mypy>=[^"]*",\n', '    "pyright>=1.1",\n', text)
    own = '[tool.pyright]\ninclude = ["src", "tests"]\n\n'
    text = re.sub(r"\[tool\.mypy\]\n(.+\n)*\n", own, text)
    text += '\n[tool.ruff.format]\nquote-style = "single"\n'
    path.write_text(f"{text}\n[tool.ruff.lint.isort]\nforce-single-line = true\n")
    for arguments in (("check", "--select=I", "--fix"), ("format",)):
        ruff = (sys.executable, "-m", "ruff", *arguments, "--quiet", "--no-cache", ".")
        subprocess.run(ruff, cwd=project, check=True)
    executable = Path(sys.executable).with_name("ruff")
    (project / ".venv" / "bin").mkdir(parents=True)
    (project / ".venv" / "bin" / "ruff").symlink_to(executable)
    swap(project / "README.md", "uv run mypy\n", "uv run pyright\n")
    (project / "Makefile").write_text("check:\n\tuv run ruff check\n\tuv run pyright\n")


def ship_otherwise(project: Path) -> None:
    """Build from a registry of one's own, run behind Traefik, deploy with Helm in stages of CI."""
    for name, texts in SHIPPED.items():
        for old, new in texts.items():
            swap(project / name, old, new)
    path = project / "Dockerfile"
    path.write_text(re.sub(r"HEALTHCHECK (.*\n)+?.*exit.*\n", "", path.read_text()))
    (project / "entrypoint.sh").write_text('#!/bin/sh\nexec "$@"\n')
    for path in sorted((project / "kubernetes").glob("[dkns]*.yaml")):
        path.unlink()
    (project / "helm").mkdir()
    (project / "helm" / "Chart.yaml").write_text("apiVersion: v2\nname: orders\nversion: 0.1.0\n")
    path = project / ".gitlab-ci.yml"
    deploy = "deploy:\n  stage: deploy\n  script:\n    - helm upgrade --install orders helm\n"
    path.write_text(f"{path.read_text()}\n{deploy}")
    (project / "renovate.json").write_text('{ "extends": ["local>acme/renovate"] }\n')


def name_settings_otherwise(project: Path) -> None:
    """Give settings a prefix in the environment, and some of them other names."""
    text = (project / ".env.example").read_text()
    variables = {*re.findall(r"(?m)^([A-Z_]+)=", text), "HOST", "PORT"}

    def in_code(found: re.Match[str]) -> str:
        return SETTINGS[found[0]]

    def in_environment(found: re.Match[str]) -> str:
        name = found[0].lower()
        return f"ORDERS_{SETTINGS.get(name, name).upper()}" if found[0] in variables else found[0]

    names = "|".join(SETTINGS)
    for path in [*modules(project), project / "gunicorn.conf.py"]:
        place = r"\b" if path.name == "settings.py" else r'(?<=settings\.)|(?<=")'
        path.write_text(re.sub(rf"(?:{place})(?:{names})\b", in_code, path.read_text()))
    prefix = '        env_file=".env",\n        env_prefix="ORDERS_",\n'
    swap(project / PACKAGE / "settings.py", '        env_file=".env",\n', prefix)
    for name, place in {
        ".env.example": r"(?m)^[A-Z_]+(?==)",
        "compose.yaml": r"(?m)(?<=^      )[A-Z_]+(?=:)",
        "README.md": r"(?<=`)[A-Z_]+(?=`)",
        "Dockerfile": r"(?<= )[A-Z_]+(?==)",
    }.items():
        path = project / name
        path.write_text(re.sub(place, in_environment, path.read_text()))


SCRIPTS: dict[str, Callable[[Path], None]] = {
    script.__name__: script
    for script in (
        serve_a_version,
        answer_errors_otherwise,
        build_otherwise,
        format_in_another_style,
        ship_otherwise,
        name_settings_otherwise,
    )
}
