"""Projects as people really edit them: scripts that do what a team does in a year.

Unlike those of ``edits``, they do not keep to the marked places.
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


def rename_resource(project: Path) -> None:
    """Make products of the items: files, routes, names, tests."""
    for folder in (project / "src", project / "tests"):
        for path in sorted(folder.rglob("*")):
            if path.suffix in {".py", ".html", ".js"}:
                text = path.read_text()
                for old, new in (("items", "products"), ("item", "product")):
                    text = text.replace(old, new).replace(old.title(), new.title())
                path.write_text(text)
    for path in sorted(project.rglob("*items*.py")):
        path.rename(path.with_name(path.name.replace("items", "products")))


def delete_tests_of_the_example(project: Path) -> None:
    """Delete the tests that came along, and write others."""
    for name in ("test_items.py", "test_uploads.py", "test_pages.py", "test_account.py"):
        (project / "tests" / name).unlink(missing_ok=True)
    (project / "tests" / "test_ours.py").write_text(
        '"""Ours."""\n\n\ndef test_ours() -> None: ...\n'
    )


def sort_tests_into_folders(project: Path) -> None:
    """Move all tests into a folder of their own."""
    (project / "tests" / "service").mkdir()
    for path in sorted((project / "tests").glob("test_*.py")):
        path.rename(path.parent / "service" / path.name)


def grow_the_settings(project: Path) -> None:
    """Put settings of one's own between those that came, and change some of those."""
    path = project / PACKAGE / "settings.py"
    text = path.read_text().replace('"Hello, world!"', '"Welcome to Orders"')
    lines = text.splitlines(keepends=True)
    place = next(n for n, line in enumerate(lines) if line.startswith("    message: "))
    lines.insert(place, '    tax_rate: float = 0.19\n    country: str = "DE"\n')
    path.write_text("".join(lines))
    variables = project / ".env.example"
    variables.write_text(variables.read_text() + "\nTAX_RATE=0.19\n")


def rewrite_the_readme(project: Path) -> None:
    """Write another README."""
    (project / "README.md").write_text("# Orders\n\nAsk Ada how it runs.\n")


def keep_the_readme(project: Path) -> None:
    """Write another README, and say whose it is."""
    rewrite_the_readme(project)
    path = project / "pyproject.toml"
    path.write_text(path.read_text() + '\n[tool.servicewright]\nkeep = ["README.md"]\n')


def change_requirements(project: Path) -> None:
    """Add requirements where ``uv add`` writes them, drop one and bound another anew."""
    path = project / "pyproject.toml"
    text = path.read_text()
    last = '    "pydantic>=2.14,<3",\n'
    text = text.replace(last, f'{last}    "tenacity>=9.1",\n    "httpx>=0.28",\n')
    text = re.sub(r'    "ruff>=[^"]*",\n', r'\g<0>    "pytest-randomly>=3.16",\n', text)
    text = re.sub(r'    "pytest-cov>=[^"]*",\n', '    "pytest-cov>=7.1",\n', text)
    path.write_text(text.replace('version = "0.1.0"', 'version = "3.4.1"'))


def run_elsewhere(project: Path) -> None:
    """Serve on another port, from another base image, with a cache beside the service."""
    for name in ("Dockerfile", "compose.yaml", "gunicorn.conf.py", "kubernetes/deployment.yaml"):
        path = project / name
        text = path.read_text().replace("8000", "9000").replace("slim-bookworm", "slim-trixie")
        path.write_text(text)
    path = project / "compose.yaml"
    text = path.read_text()
    path.write_text(text.replace("services:\n", "services:\n  cache:\n    image: valkey:9\n\n", 1))


def extend_the_factory(project: Path) -> None:
    """Put parts of one's own into the factory, not where it asks for them."""
    path = project / PACKAGE / "app.py"
    text = path.read_text()
    text = text.replace(
        "from .database import", "from .audit import audit\nfrom .database import", 1
    )
    last = text.rindex("    return app")
    path.write_text(f"{text[:last]}    audit(app)\n{text[last:]}")
    (project / PACKAGE / "audit.py").write_text(
        '"""Audit."""\n\n\ndef audit(app: object) -> None: ...\n'
    )


def format_otherwise(project: Path) -> None:
    """Wrap lines earlier than the template does."""
    path = project / "pyproject.toml"
    path.write_text(re.sub(r"line-length = \d+", "line-length = 79", path.read_text()))
    ruff = (sys.executable, "-m", "ruff", "format", "--quiet", "--no-cache", ".")
    subprocess.run(ruff, cwd=project, check=True)
    executable = Path(sys.executable).with_name("ruff")
    (project / ".venv" / "bin").mkdir(parents=True)
    (project / ".venv" / "bin" / "ruff").symlink_to(executable)


def sort_the_settings(project: Path) -> None:
    """Sort the settings by their names under headings, those of the server apart, and others."""
    path = project / PACKAGE / "settings.py"
    text = path.read_text()
    begin, end = text.index("    message: "), text.index("    # Your own settings:")
    fields = re.findall(r"(?:    #.*\n)*    (\w+): .*\n", text[begin:end])
    whole = re.findall(r"(?:    #.*\n)*    \w+: .*\n", text[begin:end])
    both = sorted(zip(fields, whole, strict=True))
    server = ("host", "port", "web_", "forwarded_")
    groups = {
        "What the service does.": [text for name, text in both if not name.startswith(server)],
        "How it is served.": [text for name, text in both if name.startswith(server)],
    }
    parts = [f"    # {title}\n\n{''.join(lines)}\n" for title, lines in groups.items()]
    own = '    invoice_prefix: str = "R"\n'
    path.write_text(f"{text[:begin]}{''.join(parts)}{own}{text[end:]}")
    path = project / ".env.example"
    variables = [line for line in path.read_text().splitlines() if line and line[0] != "#"]
    path.write_text("\n".join(["# What the service reads.", "", *sorted(variables), ""]))


def split_into_packages(project: Path) -> None:
    """Put modules that belong together into packages, and follow with the imports."""
    package = project / PACKAGE
    for folder in {*HOMES.values()}:
        (package / folder).mkdir()
        (package / folder / "__init__.py").write_text(f'"""The {folder}."""\n')
    for path in sorted([*package.glob("*.py"), *package.glob("[rm]*/*.py")]):
        folder = HOMES.get(path.stem, "") if path.parent == package else path.parent.name
        text = re.sub(
            r"from (\.\.?)(\w*) import (\([^)]*\)|.*)\n",
            lambda found, folder=folder: _from_packages(found, folder),  # type: ignore[misc]
            path.read_text(),
        )
        path.write_text(text)
        if path.parent == package and folder:
            path.rename(package / folder / path.name)
    for path in sorted([*(project / "tests").glob("*.py"), *project.glob("src/*/mig*/*.py")]):
        text = re.sub(
            r"\borders\.(\w+)",
            lambda found: f"orders.{HOMES[found[1]]}.{found[1]}" if found[1] in HOMES else found[0],
            path.read_text(),
        )
        text = re.sub(
            r"from orders import (.*)\n",
            lambda found: "".join(
                f"from {'.'.join(filter(None, ('orders', HOMES.get(name))))} import {name}\n"
                for name in found[1].split(", ")
            ),
            text,
        )
        path.write_text(text)
    sort = (sys.executable, "-m", "ruff", "check", "--quiet", "--no-cache", "--select=I", "--fix")
    subprocess.run(sort, cwd=project, check=True)


HOMES = {
    **dict.fromkeys(("browsers", "cors", "docs", "middleware", "origins", "proxies"), "web"),
    **dict.fromkeys(("engine", "models", "store"), "storage"),
}


def _from_packages(found: re.Match[str], folder: str) -> str:
    """Write an import of a module's as it is when that is in a folder."""
    dots = "." if not folder else ".."
    if found[2]:
        home = HOMES.get(found[2], "")
        if home and home == folder:
            return f"from .{found[2]} import {found[3]}\n"
        if found[1] == ".." or not folder or folder in HOMES.values():
            return f"from {dots}{f'{home}.' if home else ''}{found[2]} import {found[3]}\n"
        return found[0]
    names = re.findall(r"\w+", found[3])
    lines = []
    for home in sorted({HOMES.get(name, "") for name in names}):
        inside = ", ".join(name for name in names if HOMES.get(name, "") == home)
        lines.append(f"from {dots}{home} import {inside}\n")
    return "".join(lines)


def add_invoices(project: Path) -> None:
    """Write a second resource like the first: routes, table, fixture, wherever the first one is."""
    package = project / PACKAGE
    path = package / "models.py"
    text = path.read_text()
    table = text[text.index("class Item(Base)") :]
    invoices = table.replace("Item", "Invoice").replace("items", "invoices").replace("item", "bill")
    place = text.index("class Item(Base)")
    path.write_text(f"{text[:place]}{invoices}\n\n{text[place:]}")
    routes = (package / "routes" / "items.py").read_text()
    kind = "router" if "items_router" in routes else "blueprint"
    word = "APIRouter" if kind == "router" else "Blueprint"
    arguments = 'tags=["invoices"]' if kind == "router" else '"invoices", __name__'
    framework = "fastapi" if kind == "router" else "flask"
    (package / "routes" / "invoices.py").write_text(
        f'"""The invoices."""\n\nfrom {framework} import {word}\n\n'
        f"invoices_{kind} = {word}({arguments})\n"
    )
    path = package / "app.py"
    text = path.read_text()
    imported = f"from .routes.items import items_{kind}\n"
    text = text.replace(imported, f"from .routes.invoices import invoices_{kind}\n{imported}")
    text = re.sub(rf"( +app\.\w+\()items_{kind}\)\n", rf"\g<0>\g<1>invoices_{kind})\n", text)
    path.write_text(text)
    path = project / "tests" / "conftest.py"
    text = path.read_text()
    client = "@pytest.fixture\ndef client("
    fixture = "@pytest.fixture\ndef invoice() -> dict[str, int]:\n"
    fixture += '    """Give an invoice."""\n    return {"number": 1}\n\n\n'
    path.write_text(text.replace(client, fixture + client))
    readme = project / "README.md"
    row = "| `GET /health` |"
    readme.write_text(readme.read_text().replace(row, f"| `GET /invoices` | the bills |\n{row}"))


def check_more(project: Path) -> None:
    """Let tools check more, in groups of requirements, from a Makefile, a workflow and hooks."""
    path = project / "pyproject.toml"
    text = path.read_text()
    text = re.sub(r"(?s)\[dependency-groups\]\ndev = \[\n(.*?)\]\n", _grouped, text)
    text = re.sub(r"line-length = \d+", 'line-length = 120\ntarget-version = "py311"', text)
    text = re.sub(r"(?m)^select = .*$", 'select = ["ALL"]', text)
    text = re.sub(r"(?m)^ignore = \[", 'ignore = [\n    "ANN", "COM", "FBT",\n    ', text)
    text = text.replace('"tests/*" = [', '"scripts/*" = ["T20"]\n"tests/*" = ["ANN", ')
    text = text.replace(
        "[tool.mypy]\nstrict = true\n",
        '[tool.mypy]\nstrict = true\nwarn_unreachable = true\nplugins = ["pydantic.mypy"]\n',
    )
    text = text.replace("fail_under = 100", "fail_under = 90")
    text = text.replace('    "error",\n', '    "error",\n    "ignore::ResourceWarning",\n')
    text += '\n[[tool.mypy.overrides]]\nmodule = "weasyprint.*"\nignore_missing_imports = true\n'
    path.write_text(text)
    (project / "Makefile").write_text("check:\n\tuv run ruff check\n\tuv run mypy\n")
    workflow = project / ".github" / "workflows" / "ci.yml"
    workflow.parent.mkdir(parents=True, exist_ok=True)
    workflow.write_text("on: push\njobs:\n  check:\n    runs-on: ubuntu-latest\n")
    for name in (".gitignore", ".dockerignore"):
        lines = (project / name).read_text().splitlines()
        (project / name).write_text("\n".join(sorted([*lines, "dist/", ".idea/"])) + "\n")


def _grouped(found: re.Match[str]) -> str:
    """Put the tools of the development group into one group for each purpose."""
    lines = found[1].splitlines(keepends=True)
    lint = [line for line in lines if '"ruff' in line or '"mypy' in line]
    test = [line for line in lines if line not in lint]
    return (
        "[dependency-groups]\n"
        'dev = [{ include-group = "lint" }, { include-group = "test" }]\n'
        f"lint = [\n{''.join(lint)}]\ntest = [\n{''.join(test)}]\n"
    )


def deploy_in_another_way(project: Path) -> None:
    """Serve from Alpine behind a proxy, with a worker and a cache, and other limits."""
    path = project / "Dockerfile"
    text = re.sub(r"python:([\d.]+)-slim-bookworm", r"python:\1-alpine", path.read_text())
    text = text.replace("useradd --uid 10001", "adduser -D -u 1000").replace("10001", "1000")
    text = text.replace("WORKDIR /app\n", "LABEL team=billing\nWORKDIR /srv\n")
    text = text.replace(
        "EXPOSE 8000", "RUN apk add --no-cache tzdata\nENV TZ=Europe/Berlin\nEXPOSE 80"
    )
    path.write_text(text.replace('CMD ["gunicorn"', 'ENTRYPOINT ["tini", "--"]\nCMD ["gunicorn"'))
    path = project / "compose.yaml"
    text = path.read_text()
    text = re.sub(
        r'    ports:\n      - "127.*\n', '    expose: ["80"]\n    networks: [front]\n', text
    )
    text = text.replace("      MESSAGE:\n", "      CACHE_URL: redis://cache\n      MESSAGE: Moin\n")
    text = text.replace("  # Your own services:\n", "")
    text = text.replace("    restart: unless-stopped\n", "    restart: always\n", 1)
    text += (
        "  proxy:\n    image: caddy:2\n    networks: [front]\n\n"
        "  cache:\n    image: valkey:9\n\nnetworks:\n  front: {}\n"
    )
    path.write_text(text)
    path = project / "gunicorn.conf.py"
    text = path.read_text().replace("preload_app = True", "preload_app = True\nmax_requests = 5000")
    path.write_text(text.replace("timeout = settings.web_timeout", "timeout = 120"))
    path = project / "kubernetes" / "deployment.yaml"
    text = path.read_text().replace("registry.example.com/orders:0.1.0", "cr.acme.dev/orders:7")
    text = re.sub(r"replicas: \d", "replicas: 3", text)
    path.write_text(
        text.replace(
            "          envFrom:\n",
            "          env: [{ name: TZ, value: UTC }]\n          envFrom:\n",
        )
    )


def translate_the_readme(project: Path) -> None:
    """Translate the README, section by section, with its commands and tables kept."""
    path = project / "README.md"
    words = {
        "## Run it": "## So läuft es",
        "## Test it": "## So wird es geprüft",
        "## What it answers": "## Was es antwortet",
        "## Configure it": "## Einstellungen",
        "## Deploy it": "## Ausliefern",
        "## Operate it": "## Betrieb",
        "| request | answer |": "| Anfrage | Antwort |",
        "| variable | meaning | default |": "| Variable | Bedeutung | Vorgabe |",
    }
    lines = []
    in_code = False
    for line in path.read_text().splitlines():
        in_code ^= line.startswith("```")
        new = words.get(line, line)
        if new == line and not in_code and re.match(r"[A-Z]", line):
            new = f"(Übersetzt) {line.lower()}"
        lines.append(new)
    path.write_text("\n".join([*lines, ""]))


def describe_all_anew(project: Path) -> None:
    """Write a copyright above each module, and every docstring in one's own words."""
    for path in sorted([*(project / "src").rglob("*.py"), *(project / "tests").rglob("*.py")]):
        text = re.sub(r'"""([A-Z])(\w*)', r'"""ACME: \1\2', path.read_text())
        path.write_text(f"# Copyright ACME. All rights reserved.\n\n{text}")


def log_otherwise(project: Path) -> None:
    """Write the log with a library, and set it up in a module of one's own."""
    (project / PACKAGE / "logs.py").unlink()
    (project / PACKAGE / "logging.py").write_text(
        '"""Logs."""\n\nimport structlog\n\nrequest_id = structlog.contextvars\n'
    )
    for path in sorted((project / "src").rglob("*.py")):
        text = path.read_text()
        text = text.replace("from . import logs\n", "from . import logging as logs\n")
        text = text.replace("from .logs import", "from .logging import")
        path.write_text(text.replace("from ..logs import", "from ..logging import"))
    path = project / "pyproject.toml"
    last = '    "pydantic>='
    path.write_text(path.read_text().replace(last, f'    "structlog>=25",\n{last}', 1))
    path = project / PACKAGE / "settings.py"
    path.write_text(re.sub(r"    (# How much is logged.*|log_\w+: .*)\n", "", path.read_text()))
    (project / "tests" / "test_logs.py").unlink()


SCRIPTS: dict[str, Callable[[Path], None]] = {
    script.__name__: script
    for script in (
        rename_resource,
        delete_tests_of_the_example,
        sort_tests_into_folders,
        grow_the_settings,
        rewrite_the_readme,
        keep_the_readme,
        change_requirements,
        run_elsewhere,
        extend_the_factory,
        format_otherwise,
        sort_the_settings,
        split_into_packages,
        add_invoices,
        check_more,
        deploy_in_another_way,
        translate_the_readme,
        describe_all_anew,
        log_otherwise,
    )
}
