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
    )
}
