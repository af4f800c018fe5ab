"""The compose.yaml of every variant says what the Compose specification allows and the image needs.

Nothing here needs a container engine: what can only be seen in a container is in test_images.py.
"""

from __future__ import annotations

import json
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import yaml
from deployments import Deployment, different
from matrix import static
from matrix.rendering import PACKAGE
from schemas import check_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from matrix.rendering import Renderer

# What the images read that are not built from the service's own code.
POSTGRESQL_READS = {"POSTGRES_DB", "POSTGRES_PASSWORD", "POSTGRES_USER"}
REDIS_READS = {"REDISCLI_AUTH"}
# What the driver of PostgreSQL reads by itself.
DRIVER_READS = {"PGPASSWORD"}

SECRET = re.compile(r"PASSWORD|USERNAME|SECRET|TOKEN|KEY")
# Compose stops with the message where the variable is not set or is empty.
MUST_BE_SET = re.compile(r"\$\{[A-Z_]+:\?[^}]+\}")
WITH_DEFAULT = re.compile(r"\$\{(?P<name>[A-Z_]+):-(?P<default>[^}]*)\}")


class Project(Deployment):
    """A variant with its compose.yaml, as Compose and the container see it."""

    @cached_property
    def compose(self) -> dict[str, Any]:
        """What compose.yaml says, with its anchors resolved."""
        content: dict[str, Any] = yaml.safe_load(self.text("compose.yaml"))
        return content

    @cached_property
    def services(self) -> dict[str, dict[str, Any]]:
        """The services by their names."""
        services: dict[str, dict[str, Any]] = self.compose["services"]
        return services

    @cached_property
    def built(self) -> dict[str, dict[str, Any]]:
        """The services that run the image of this project."""
        return {name: one for name, one in self.services.items() if "build" in one}

    @cached_property
    def dockerfile(self) -> list[tuple[str, str]]:
        """The instructions of the Dockerfile with their arguments."""
        joined = self.text("Dockerfile").replace("\\\n", " ")
        lines = [line for line in joined.splitlines() if line and not line.startswith("#")]
        return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines]

    def environment(self, name: str) -> dict[str, str]:
        """Give the environment of a container where the user has copied .env.example to .env."""
        result: dict[str, str] = {}
        for instruction, arguments in self.dockerfile:
            if instruction == "ENV":
                result |= dict(re.findall(r'([A-Z_]+)="?([^" ]*)"?', arguments))
        if "env_file" in self.services[name]:
            result |= re.findall(r"^([A-Z_]+)=(.*)$", self.text(".env.example"), re.MULTILINE)
        return result | {
            variable: WITH_DEFAULT.sub(lambda found: found["default"], str(value))
            for variable, value in self.services[name]["environment"].items()
            if value is not None
        }


@pytest.fixture(scope="module")
def projects(renderer: Renderer) -> list[Project]:
    """The variants with the feature, those that differ in what is looked at here."""
    looked_at = {
        *("compose.yaml", "Dockerfile", ".env.example", "gunicorn.conf.py"),
        f"src/{PACKAGE}/settings.py",
    }
    return [Project(tree) for tree in different(renderer, looked_at.__contains__)]


def check_each(projects: list[Project], check: Callable[[Project], None]) -> None:
    """Apply a check to each project, and name the one that it fails for."""
    for project in projects:
        try:
            check(project)
        except AssertionError as failure:
            failure.add_note(f"Variant: {project.tree.variant.id}")
            raise


def against_the_specification(directory: Path, contents: Mapping[str, object]) -> str:
    """Check the contents of compose files against the specification's schema, all in one call."""
    directory.mkdir(exist_ok=True)
    for name, content in contents.items():
        (directory / f"{name}.json").write_text(json.dumps(content))
    return check_schema("vendor.compose-spec", sorted(directory.glob("*.json")))


def test_the_specification_allows_it(projects: list[Project], tmp_path: Path) -> None:
    contents = {project.tree.variant.id: project.compose for project in projects}

    assert against_the_specification(tmp_path / "ours", contents) == ""

    misspelt = {"services": {"app": {"build": ".", "depend_on": ["database"]}}}
    assert "depend_on" in against_the_specification(tmp_path / "wrong", {"wrong": misspelt})


def test_there_is_a_database_for_development(renderer: Renderer, tmp_path: Path) -> None:
    """Its address is the one that users are told, and this machine alone reaches it."""
    contents = {}
    for name in ("fastapi-settings-postgresql", "flask-postgresql-docker"):
        project = Project(renderer.tree(name))
        contents[name] = content = yaml.safe_load(project.text("compose.database.yaml"))
        (database,) = content["services"].values()
        environment = database["environment"]
        told = project.text(".env.example" if project.on["settings"] else "README.md")
        found = re.search(r"\bDATABASE_URL=(\S+)$", told, re.MULTILINE)
        assert found
        url = urlsplit(found[1])
        assert url.scheme == "postgresql"
        assert (url.username, url.path) == (
            environment["POSTGRES_USER"],
            f"/{environment['POSTGRES_DB']}",
        )
        # There is no password, so nobody else may ask.
        assert url.password is None
        assert environment["POSTGRES_HOST_AUTH_METHOD"] == "trust"
        assert database["ports"] == [f"{url.hostname}:{url.port or 5432}:5432"]
        assert url.hostname == "127.0.0.1"

    assert against_the_specification(tmp_path / "ours", contents) == ""


def test_features_have_their_services(projects: list[Project]) -> None:
    def check(project: Project) -> None:
        expected = {"app"}
        if project.on["database"]:
            expected.add("migrate")
        if project.on["postgresql"]:
            expected.add("database")
        if project.on["celery"]:
            expected |= {"worker", "beat", "queue"}
        assert project.services.keys() == expected

    assert len({tuple(sorted(project.services)) for project in projects}) == 6
    check_each(projects, check)


def test_volumes_are_declared_and_used(projects: list[Project]) -> None:
    def check(project: Project) -> None:
        mounts = [
            mount.split(":")
            for one in project.services.values()
            for mount in one.get("volumes", [])
        ]
        assert {volume for volume, _ in mounts} == set(project.compose.get("volumes", {}))

    check_each(projects, check)


def test_data_outlives_the_container(projects: list[Project]) -> None:
    def check(project: Project) -> None:
        for name, one in project.built.items():
            environment = project.environment(name)
            kept = [mount.split(":")[1] for mount in one.get("volumes", [])]
            files = project.on["sqlite"] or project.on["background_tasks"]
            assert kept == (["/data"] if files else [])
            if project.on["sqlite"]:
                assert environment["DATABASE_URL"] == f"sqlite:////data/{PACKAGE}.db"
            if project.on["file_storage"]:
                assert environment["DATA_DIRECTORY"] == "/data"
            if project.on["object_storage"]:
                assert environment["STORAGE_URL"] == "file:///data"
            for directory in kept:
                # A new volume belongs to whoever the directory in the image belongs to.
                assert any(
                    instruction == "RUN" and re.search(f"--owner app .*{directory}$", arguments)
                    for instruction, arguments in project.dockerfile
                )

    check_each(projects, check)


def test_services_wait_for_what_they_need(projects: list[Project]) -> None:
    def check(project: Project) -> None:
        for one in project.services.values():
            for name, how in one.get("depends_on", {}).items():
                needed = project.services[name]
                match how["condition"]:
                    case "service_healthy":
                        assert needed["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
                    case "service_completed_successfully":
                        # What is started again and again never completes.
                        assert needed["restart"] == "no"
                    case other:
                        pytest.fail(f"{name} is waited for until it is {other}")
        order = {
            "app": ["migrate"] if project.on["database"] else [],
            "migrate": ["database"] if project.on["postgresql"] else [],
        }
        order["worker"] = order["beat"] = [*order["app"], "queue"]
        for name, one in project.built.items():
            assert list(one.get("depends_on", [])) == order[name]

    check_each(projects, check)


def test_the_database_is_migrated_once(projects: list[Project]) -> None:
    def check(project: Project) -> None:
        if not project.on["database"]:
            return
        migrate = project.services["migrate"]
        app = project.services["app"]
        assert migrate["command"] == ["alembic", "upgrade", "head"]
        assert migrate["ports"] == []
        assert migrate["healthcheck"] == {"disable": True}
        # It refuses to start without the settings that the application needs.
        for same in ("build", "environment", "env_file", "volumes", "read_only", "cap_drop"):
            assert migrate.get(same) == app.get(same)
        # Where nothing reads it, the start finds that there is nothing to do.
        expected = "false" if project.on["settings"] else None
        assert app["environment"].get("MIGRATE_ON_START") == expected

    check_each(projects, check)


def test_jobs_have_workers_and_one_beat(projects: list[Project]) -> None:
    def check(project: Project) -> None:
        if not project.on["celery"]:
            return
        app = project.services["app"]
        for name in ("worker", "beat"):
            one = project.services[name]
            assert one["command"] == ["celery", "--app", f"{PACKAGE}.worker", name]
            # They are of the same image and have the same settings, files and rights.
            for same in ("build", "environment", "env_file", "volumes", "read_only", "cap_drop"):
                assert one.get(same) == app.get(same)
            assert f"/tmp/{PACKAGE}.alive" in one["healthcheck"]["test"][1]  # noqa: S108
        # Jobs are given back by this signal, and beat has none.
        assert project.services["worker"]["stop_signal"] == "SIGQUIT"
        queue = project.services["queue"]
        address = app["environment"]["CELERY_BROKER_URL"]
        password = queue["environment"]["REDISCLI_AUTH"]
        assert MUST_BE_SET.fullmatch(password)
        assert address == f"redis://:{password}@queue:6379/0"
        # What waits outlives the container.
        assert "appendonly yes" in queue["command"][-1]
        assert queue["volumes"] == ["queue:/data"]

    assert any(project.on["celery"] for project in projects)
    check_each(projects, check)


def test_ports_are_published_to_this_machine_alone(projects: list[Project]) -> None:
    def check(project: Project) -> None:
        environment = project.environment("app")
        (published,) = project.services["app"]["ports"]
        address, outside, inside = WITH_DEFAULT.sub(r"\g<default>", published).split(":")
        assert address == "127.0.0.1"
        assert outside == inside == environment["PORT"] == "8000"
        # The container's own loopback is not reached from outside of it.
        assert environment["HOST"] == "0.0.0.0"  # noqa: S104
        for name, one in project.services.items():
            assert name == "app" or not one.get("ports")

    check_each(projects, check)


def test_secrets_come_from_outside(projects: list[Project]) -> None:
    def check(project: Project) -> None:
        text = project.text("compose.yaml") + project.text("Dockerfile")
        assert not re.search(r"://[^@/\s]*:[^@/\s]*@", text)
        for one in project.services.values():
            for variable, value in one["environment"].items():
                # Without a value, it is what it is outside, if it is anything there.
                optional = value is None and variable not in project.must_be_set
                if SECRET.search(variable) and not optional:
                    assert MUST_BE_SET.fullmatch(value), variable
        for instruction, arguments in project.dockerfile:
            assert instruction not in {"ENV", "ARG"} or not SECRET.search(arguments)

    check_each(projects, check)


def test_what_must_be_set_is_set(projects: list[Project]) -> None:
    def check(project: Project) -> None:
        for one in project.built.values():
            assert project.must_be_set <= one["environment"].keys()

    check_each(projects, check)


def test_what_is_read_can_be_set_and_nothing_else(projects: list[Project]) -> None:
    def check(project: Project) -> None:
        reads = static.variables_read(project.tree)
        for name, one in project.services.items():
            given = one["environment"].keys()
            if name in project.built:
                assert given - DRIVER_READS == reads
            else:
                assert given == (REDIS_READS if name == "queue" else POSTGRESQL_READS)

    check_each(projects, check)


def test_there_is_time_to_stop(projects: list[Project]) -> None:
    def check(project: Project) -> None:
        grace = re.fullmatch(r"(\d+)s", project.services["app"]["stop_grace_period"])
        assert grace
        assert int(grace[1]) > project.graceful_timeout

    check_each(projects, check)


def test_the_container_can_do_little(projects: list[Project]) -> None:
    def check(project: Project) -> None:
        for one in project.built.values():
            assert one["read_only"] is True
            assert one["tmpfs"] == ["/tmp"]  # noqa: S108 - in the container
            assert one["cap_drop"] == ["ALL"]
            assert one["security_opt"] == ["no-new-privileges:true"]
            assert "privileged" not in one
            assert "user" not in one

    check_each(projects, check)


def test_logs_do_not_fill_the_disk(projects: list[Project]) -> None:
    def check(project: Project) -> None:
        for one in project.services.values():
            assert one["logging"]["driver"] == "json-file"
            assert one["logging"]["options"] == {"max-size": "10m", "max-file": "5"}

    check_each(projects, check)
