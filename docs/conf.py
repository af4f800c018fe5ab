"""Builds the documentation as a site: `uv run sphinx-build -W docs .cache/site`."""

from __future__ import annotations

import shutil
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import copier
from copier.errors import DirtyLocalWarning
from pygments.lexers import TextLexer

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "extensions"))

from service import FEATURES, TEMPLATE, WHEN, Feature  # noqa: E402 - it is no package

from servicewright import questions  # noqa: E402

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "Servicewright"
author = "Servicewright contributors"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "Servicewright"
html_show_copyright = False
myst_heading_anchors = 3
exclude_patterns = ["examples/*/service"]

# Where pages are written that come from the template, so that they are never older than it.
EXAMPLES = Path(__file__).with_name("examples")
REFERENCE = Path(__file__).with_name("questions.md")

FRAMEWORKS = {"fastapi": "FastAPI", "flask": "Flask"}
# What reads a file that has no highlighting of its own name.
LANGUAGES = {
    ".css": "css",
    ".html": "html+jinja",
    ".js": "js",
    ".json": "json",
    ".md": "markdown",
    ".py": "python",
    ".toml": "toml",
    ".yaml": "yaml",
    ".yml": "yaml",
}


def write_examples() -> None:
    """Render a service with every part in each framework, and a page that shows its files."""
    everything = questions.preset(questions.presets(questions.load(ROOT)), "everything")
    shutil.rmtree(EXAMPLES, ignore_errors=True)
    for framework, name in FRAMEWORKS.items():
        service = EXAMPLES / framework / "service"
        copier.run_copy(
            str(ROOT),
            service,
            data={
                **everything.answers,
                "project_name": "Orders",
                "package_name": "orders",
                "python_version": "3.11",
                "framework": framework,
                "database": "sqlite",
            },
            defaults=True,
            unsafe=True,
            quiet=True,
            vcs_ref="HEAD",
        )
        files = sorted(
            path for path in service.rglob("*") if path.is_file() and path.stat().st_size
        )
        text = [
            f"# A service with {name}",
            "",
            "The preset `everything`, but with SQLite, as it is generated.",
            "",
        ]
        for path in files:
            shown = path.relative_to(service).as_posix()
            language = LANGUAGES.get(path.suffix, "text")
            text += [f"## {shown}", "", f"```{{literalinclude}} service/{shown}"]
            text += [f":language: {language}", "```", ""]
        (EXAMPLES / framework / "index.md").write_text("\n".join(text), encoding="utf-8")


def write_reference() -> None:
    """Write what is asked, and what each answer brings: files, requirements, variables."""
    text = [
        "# Questions and answers",
        "",
        "What `servicewright new` asks, in this order; `--set NAME=ANSWER` answers in advance, and",
        "`servicewright set NAME=ANSWER` changes the answer later.",
        "",
    ]
    for question in questions.read(ROOT):
        text += [f"## `{question.name}`", "", question.help, ""]
        if question.answers is None:
            taken = "A list in YAML." if question.is_data else "Any text that fits."
            text += ["The template answers it itself." if question.is_record else taken, ""]
            continue
        brought = {
            answer: [
                line
                for feature in FEATURES
                if any(answer in way.get(question.name, []) for way in WHEN.get(feature.name, []))
                for line in described(feature)
            ]
            for answer in question.answers
        }
        words = {
            answer: {True: "yes", False: "no"}[answer] if isinstance(answer, bool) else answer
            for answer in question.answers
        }
        if not any(brought.values()):
            text += ["One of " + ", ".join(f"`{word}`" for word in words.values()) + ".", ""]
            continue
        for answer, lines in brought.items():
            default = " (the default)" if answer == question.default else ""
            text += [f"### `{question.name}={words[answer]}`{default}", ""]
            text += lines or ["Nothing besides what every service has.", ""]
    text += ["## Presets", "", "`--preset NAME` gives answers that go together.", ""]
    for preset in questions.presets(questions.load(ROOT)):
        answers = [f"`{name}={questions.word(answer)}`" for name, answer in preset.answers.items()]
        text += [f"- `{preset.name}`, {preset.help}: {', '.join(answers)}."]
    text += [""]
    REFERENCE.write_text("\n".join(text), encoding="utf-8")


def described(feature: Feature) -> list[str]:
    """Say what a feature brings."""
    folder = TEMPLATE / f"[[ when.{feature.name} ]]"
    files = sorted(
        {
            "/".join(
                part.replace("[[ package_name ]]", "orders")
                for part in path.relative_to(folder).parts
                if not part.startswith("[[ when.")
            )
            for path in folder.rglob("*")
            if path.is_file() and path.name != "feature.toml"
        }
    )
    text = [f"- Files: {', '.join(f'`{file}`' for file in files)}."] if files else []
    for other, required in feature.about.get("requirements", {}).items():
        where = f" with {FRAMEWORKS[other]}" if other in FRAMEWORKS else ""
        text.append(f"- Requirements{where}: {', '.join(f'`{item}`' for item in required)}.")
    if variables := feature.about.get("variables"):
        text.append("- Settings: " + ", ".join(f"`{one['name']}`" for one in variables) + ".")
    for request, answer in feature.about.get("requests", []):
        text.append(f"- `{request}`: {answer}.")
    return [*text, ""]


def setup(app: Sphinx) -> None:
    """Write the pages that come from the template."""
    # The cookbook writes requests and answers shorter than the protocol does.
    app.add_lexer("http", TextLexer)
    with warnings.catch_warnings(action="ignore", category=DirtyLocalWarning):
        write_examples()
    write_reference()
