"""The words of each feature: where it is off there are none of them, where it is on all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from matrix.rendering import Tree

# The file that remembers the answers names every question.
ANSWERS = ".copier-answers.yml"


class Words:
    """Words that belong to a feature: of packages, settings, routes, files.

    Args:
        on: Whether answers switch the feature on.
        words: The words, with white space between them. Upper and lower case differ.
    """

    def __init__(self, on: Callable[[Mapping[str, Any]], bool], words: str) -> None:
        self.on = on
        self.words = words.split()


WORDS = {
    "fastapi": Words(
        lambda answers: answers["framework"] == "fastapi",
        "fastapi FastAPI starlette uvicorn",
    ),
    "flask": Words(
        lambda answers: answers["framework"] == "flask",
        "flask Flask werkzeug WSGITransport",
    ),
    "settings": Words(
        lambda answers: answers["settings"],
        "pydantic_settings pydantic-settings .env.example SettingsConfigDict secrets_dir",
    ),
    "pages": Words(
        lambda answers: answers["pages"],
        "pages.py base.html home.html style.css script.js test_pages.py",
    ),
    "no pages": Words(lambda answers: not answers["pages"], "home.py test_home.py"),
    "background_tasks": Words(
        lambda answers: answers["background_tasks"] == "in_process",
        "/uploads uploads.py test_uploads.py",
    ),
    "threads for background tasks": Words(
        lambda answers: (
            answers["background_tasks"] == "in_process" and answers["framework"] == "flask"
        ),
        "jobs ThreadPoolExecutor",
    ),
    "database": Words(
        lambda answers: answers["database"] != "none",
        """
        sqlalchemy alembic database.py models.py migrations DATABASE_URL migrate_on_start
        test_database.py database_url
        """,
    ),
    "sqlite": Words(lambda answers: answers["database"] == "sqlite", "sqlite"),
    "postgresql": Words(
        lambda answers: answers["database"] == "postgresql",
        "psycopg postgresql PostgreSQL pixeltable pgserver TEST_DATABASE_URL test_postgresql.py",
    ),
    "auth": Words(
        lambda answers: answers["auth"] == "basic",
        """
        account BASIC_AUTH_USERNAME BASIC_AUTH_PASSWORD basic_auth security.py compare_digest
        WWW-Authenticate test_account.py failed_logins logged_in
        """,
    ),
    "cors": Words(
        lambda answers: answers["cors"],
        "CORS cors.py cors_origins Access-Control test_cors.py",
    ),
    "modular": Words(lambda answers: answers["modular"], "routes/"),
    "docker": Words(
        lambda answers: answers["docker"],
        "gunicorn Dockerfile .dockerignore compose.yaml kubernetes test_gunicorn.py",
    ),
}


def misplaced(trees: Iterable[Tree], table: Mapping[str, Words] = WORDS) -> list[str]:
    """Look for words of features that are off, and for features whose words are missing."""
    every = {word for words in table.values() for word in words.words}
    # Which of the words are in a file, for each file that differs.
    known: dict[tuple[str, bytes], frozenset[str]] = {}
    findings = []
    for tree in trees:
        found: dict[str, list[str]] = {}
        for path, content in tree.files.items():
            if path != ANSWERS:
                if (path, content) not in known:
                    text = f"{path}\n{content.decode()}"
                    known[path, content] = frozenset(word for word in every if word in text)
                for word in known[path, content]:
                    found.setdefault(word, []).append(path)
        for feature, words in table.items():
            on = words.on(tree.variant.answers)
            for word in words.words:
                if (word in found) != on:
                    where = "is missing" if on else f"is in {', '.join(found[word])}"
                    findings.append(f"{tree.variant.id}: {word} of {feature} {where}")
    return findings
