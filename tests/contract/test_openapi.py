"""The services of both frameworks describe themselves by the same OpenAPI document."""

from __future__ import annotations

import copy
import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from matrix.environments import interpreter
from matrix.rendering import PACKAGE
from matrix.test_resources import with_resources

from contract.probes import PASSWORD, USERNAME
from contract.services import ALL_FEATURES, FRAMEWORKS, NO_FEATURES, Services

if TYPE_CHECKING:
    from pathlib import Path

    from matrix.environments import Environments

ALONE = [{question: answer} for question, answer in ALL_FEATURES.items()]
# Each feature alone, and all of them with each kind of database.
COMBINATIONS: dict[str, dict[str, Any]] = {
    "nothing": NO_FEATURES,
    **{next(iter(feature)): NO_FEATURES | feature for feature in ALONE},
    "postgresql": NO_FEATURES | {"database": "postgresql"},
    "all": ALL_FEATURES,
    "all in memory": ALL_FEATURES | {"database": "none"},
    "all with postgresql": ALL_FEATURES | {"database": "postgresql"},
}

# Runs in the environment of the service that has all features. Each package has another name, so
# one process can ask all applications for their documents.
ASK = """
import importlib, json, os, sys

package = sys.argv[1]
documents = []
for source, url in json.load(sys.stdin):
    os.environ["DATABASE_URL"] = url
    sys.path.insert(0, source)
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]
    create_app = importlib.import_module(f"{package}.app").create_app
    Settings = importlib.import_module(f"{package}.settings").Settings
    # No database is there, and none is asked for anything.
    app = create_app(Settings(migrate_on_start=False) if url else Settings())
    if hasattr(app, "test_client"):
        client = app.test_client()
    else:
        from fastapi.testclient import TestClient

        client = TestClient(app)
    answer = client.get("/openapi.json")
    documents.append(json.loads(answer.text))
json.dump(documents, sys.stdout)
"""
SETTINGS = {
    "BASIC_AUTH_USERNAME": USERNAME,
    "BASIC_AUTH_PASSWORD": PASSWORD,
}

Document = dict[str, Any]


def without_null_defaults(part: Any) -> Any:
    """Leave out defaults of null.

    FastAPI leaves them out of a document and pydantic alone does not. A schema that has one says
    that a value may be null and left out, in its type and by not being required, so nothing is
    lost.
    """
    if isinstance(part, dict):
        return {
            name: without_null_defaults(inner)
            for name, inner in part.items()
            if not (name == "default" and inner is None)
        }
    if isinstance(part, list):
        return [without_null_defaults(inner) for inner in part]
    return part


@pytest.fixture(scope="module")
def documents(
    services: Services, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Document]]:
    """Ask the services with all combinations of features for their documents."""
    documents = {}
    for framework in FRAMEWORKS:
        directory = tmp_path_factory.mktemp(framework)
        made = {
            name: services.make(directory, framework, **answers)
            for name, answers in COMBINATIONS.items()
        }
        environment = made["all with postgresql"].environment
        urls = {"postgresql": "postgresql://localhost/none", "sqlite": "sqlite:///no.db"}
        asked = [
            (str(service.path / "src"), urls.get(COMBINATIONS[name]["database"], ""))
            for name, service in made.items()
        ]
        documents[framework] = dict(zip(made, ask(environment, asked, directory), strict=True))
    return documents


def ask(environment: Path, asked: list[tuple[str, str]], directory: Path) -> list[Document]:
    """Ask services, each with its source and the address of its database, for their documents."""
    done = subprocess.run(
        [str(interpreter(environment)), "-B", "-c", ASK, PACKAGE],
        input=json.dumps(asked),
        cwd=directory,
        env=os.environ | SETTINGS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[Document] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", COMBINATIONS)
def test_both_documents_are_the_same(documents: dict[str, dict[str, Document]], name: str) -> None:
    fastapi, flask = (documents[framework][name] for framework in FRAMEWORKS)

    assert without_null_defaults(flask) == without_null_defaults(fastapi)


@pytest.mark.parametrize(
    "seeds", [range(3), pytest.param(range(3, 60), marks=pytest.mark.thorough)], ids=str
)
def test_both_documents_of_random_resources_are_the_same(
    seeds: range, environments: Environments, scratch: Path, tmp_path: Path
) -> None:
    documents = []
    for framework in FRAMEWORKS:
        trees = [
            Services(with_resources(seed, scratch), environments).tree(framework, database="none")
            for seed in seeds
        ]
        environment = environments.get(
            sorted({need for tree in trees for need in tree.requirements})
        )
        asked = [(str(tree.path / "src"), "") for tree in trees]
        documents.append(ask(environment, asked, tmp_path))

    for seed, fastapi, flask in zip(seeds, *documents, strict=True):
        assert without_null_defaults(flask) == without_null_defaults(fastapi), f"seed {seed}"


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_feature_adds_its_own_paths_and_no_other(
    documents: dict[str, dict[str, Document]], framework: str
) -> None:
    paths = {name: set(document["paths"]) for name, document in documents[framework].items()}
    always = {"/", "/health", "/ready", "/items", "/items/{item_id}"}
    own = {
        "auth": always | {"/whoami"},
        "background_tasks": always | {"/uploads/{filename}"},
        # The home page is no part of the API.
        "pages": always - {"/"},
    }
    everything = set().union(*own.values()) - {"/"}

    assert paths == {name: own.get(name, everything if "all" in name else always) for name in paths}


def test_null_is_left_out_as_a_default_and_nowhere_else() -> None:
    document: Document = {"a": [{"default": None, "b": None}, {"default": 0}], "default": "x"}
    before = copy.deepcopy(document)

    assert without_null_defaults(document) == {"a": [{"b": None}, {"default": 0}], "default": "x"}
    assert document == before
