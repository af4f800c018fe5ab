"""The image of a service, really built and run, with docker or podman.

Where neither works these tests are skipped and say why, unless SERVICEWRIGHT_IMAGES is "required".
They use the base images that are there, and let the engine pull those that are not.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest
from contract.probes import AUTHORIZATION
from contract.services import FRAMEWORKS, NO_FEATURES, PATIENCE, free_port
from matrix.rendering import PACKAGE
from repositories import commit_copy

from conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from contract.services import Services

# Building images takes minutes.
pytestmark = pytest.mark.thorough

ENGINES = ("docker", "podman")
CREDENTIALS = {"BASIC_AUTH_USERNAME": "ada", "BASIC_AUTH_PASSWORD": "correct horse"}
# Stands in files that must not get into an image.
CANARY = "canary-3f7b1c"
# Together they have each instruction of the Dockerfile and each dependency of the service.
VARIANTS: dict[str, dict[str, Any]] = {
    "sqlite": {},
    "postgresql": {"database": "postgresql"},
    "nothing": NO_FEATURES | {"docker": True},
}
# What compose.yaml asks for.
RESTRICTIONS = ("--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges")
# Built upon the base image, which is not the service's own: at most this many bytes.
LARGEST = 150_000_000


class Engine:
    """A container engine, driven by its command."""

    def __init__(self, command: str) -> None:
        self._command = command

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one of its commands."""
        done = subprocess.run(
            [self._command, *arguments], capture_output=True, text=True, check=False
        )
        assert not check or done.returncode == 0, f"{arguments}:\n{done.stdout}\n{done.stderr}"
        return done

    def obtain(self, image: str) -> str:
        """Pull an image if it is not there, and say why where that cannot be done."""
        if self.run("image", "inspect", image, check=False).returncode == 0:
            return ""
        return self.run("pull", "--quiet", image, check=False).stderr.strip()

    def build(
        self, directory: Path, tag: str, *, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Build the image of a project."""
        # Packages are fetched as this machine does it.
        options = ["--network=host"]
        if self._command == "podman":
            # Its own format has no health checks.
            options += ["--format=docker", "--layers"]
        else:
            options.append("--progress=plain")
        return self.run("build", *options, "--tag", tag, str(directory), check=check)


@dataclass(frozen=True)
class Image:
    """The image of a service."""

    engine: Engine
    name: str
    tag: str
    base: str
    project: Path

    @cached_property
    def description(self) -> dict[str, Any]:
        """What the engine knows of it."""
        (description,) = json.loads(self.engine.run("image", "inspect", self.tag).stdout)
        assert isinstance(description, dict)
        return description

    @property
    def keeps_data(self) -> bool:
        """Whether compose.yaml gives it a volume."""
        return not {"DATA_DIRECTORY", "STORAGE_URL"}.isdisjoint(self.environment)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that are set in it."""
        return dict(item.split("=", 1) for item in self.description["Config"]["Env"])

    @property
    def health_check(self) -> list[str]:
        """The command that tells whether a container is healthy."""
        # Docker and podman tell it at different places.
        described = self.description["Config"] | self.description
        kind, *command = described["Healthcheck"]["Test"]
        assert kind == "CMD"
        return list(command)

    def run(self, *command: str, user: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command in a new container, instead of the service."""
        options = ["--user", user] if user else []
        return self.engine.run(
            "run", "--rm", "--network=none", *options, self.tag, *command, check=False
        )

    @contextmanager
    def container(self, *options: str, **variables: str) -> Iterator[Container]:
        """Run the service in a container as compose.yaml does."""
        # The network of this machine, but only its loopback: engines set up others in many ways.
        port = free_port()
        variables |= {"HOST": "127.0.0.1", "PORT": str(port)}
        given = [f"--env={name}={value}" for name, value in variables.items()]
        if self.keeps_data and not options:
            options = ("--volume=/data",)
        started = self.engine.run(
            *("run", "--detach", "--network=host"),
            *(*RESTRICTIONS, *given, *options, self.tag),
        )
        container = Container(self.engine, started.stdout.strip(), port)
        try:
            yield container
        finally:
            self.engine.run("kill", container.id, check=False)
            self.engine.run("rm", "--force", "--volumes", container.id)


@dataclass(frozen=True)
class Container:
    """A container that runs a service."""

    engine: Engine
    id: str
    port: int

    @property
    def log(self) -> str:
        """What the service has written so far."""
        done = self.engine.run("logs", self.id)
        return done.stdout + done.stderr

    @property
    def state(self) -> dict[str, Any]:
        """Whether it runs, and how it ended."""
        (container,) = json.loads(self.engine.run("container", "inspect", self.id).stdout)
        state: dict[str, Any] = container["State"]
        return state

    def request(self, method: str, path: str, body: bytes | None = None) -> tuple[int, Any]:
        """Send a request and give the status and the JSON of the answer."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)) as connection:
            headers = {"Authorization": AUTHORIZATION, "Content-Type": "application/json"}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def wait_until(self, happened: Callable[[], bool]) -> None:
        """Wait for something that the service does."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.state["Running"]:
            try:
                if happened():
                    return
            except OSError:
                pass
            time.sleep(0.1)
        pytest.fail(f"It does not happen:\n{self.log}")

    def wait_until_it_answers(self) -> None:
        """Wait for the first 200."""
        self.wait_until(lambda: self.request("GET", "/health") == (200, {"status": "ok"}))


def unavailable(reason: str) -> None:
    """Skip a test, or fail where it was asked for."""
    if os.environ.get("SERVICEWRIGHT_IMAGES") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def engine() -> Engine:
    """The first engine that works."""
    reasons = []
    for command in ENGINES:
        if shutil.which(command) is None:
            reasons.append(f"{command} is not installed")
            continue
        found = Engine(command)
        # Docker's command may be there without its server.
        answer = found.run("info", check=False)
        if answer.returncode == 0:
            return found
        reasons.append(f"{command} does not work: {answer.stderr.strip()}")
    unavailable("No container engine: " + "; ".join(reasons))
    raise AssertionError


def bases(engine: Engine, directory: Path) -> list[str]:
    """Obtain the images that a Dockerfile starts from, or skip the test."""
    dockerfile = (directory / "Dockerfile").read_text()
    stages = set(re.findall(r"^FROM .* AS (\S+)", dockerfile, re.MULTILINE))
    named = re.findall(r"^FROM (\S+)|--from=(\S+)", dockerfile, re.MULTILINE)
    needed = sorted({first or second for first, second in named} - stages)
    for base in needed:
        if reason := engine.obtain(base):
            unavailable(f"The base image {base} is not there and cannot be pulled: {reason}")
    return needed


@pytest.fixture(
    scope="module",
    params=[(framework, name) for framework in FRAMEWORKS for name in VARIANTS],
    ids="-".join,
)
def image(
    request: pytest.FixtureRequest,
    engine: Engine,
    services: Services,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Image]:
    """The image of each of the variants in turn."""
    framework, name = request.param
    made = services.make(tmp_path_factory.mktemp("project"), framework, **VARIANTS[name])
    needed = bases(engine, made.path)

    # What lies around in a project that somebody works on.
    for path in (
        *(".env", "src/.env", f"src/{PACKAGE}/.env.production", ".git/config"),
        *("secrets.txt", "src/notes.txt~", "tests/data.txt"),
    ):
        (made.path / path).parent.mkdir(exist_ok=True)
        (made.path / path).write_text(f"PASSWORD={CANARY}\n")
    tag = f"localhost/servicewright-test:{framework}-{name}"
    without = engine.build(made.path, tag, check=False)
    assert without.returncode != 0
    assert "uv.lock is missing: run uv lock" in without.stdout + without.stderr
    subprocess.run(["uv", "lock", "--quiet"], cwd=made.path, check=True)
    engine.build(made.path, tag)
    (base,) = (base for base in needed if "python" in base)
    yield Image(engine, f"{framework}-{name}", tag, base, made.path)
    engine.run("rmi", "--force", tag)


@pytest.fixture
def variables(image: Image) -> dict[str, str]:
    """What the environment must set for the image."""
    if "sqlite" in image.name:
        return CREDENTIALS
    if "postgresql" in image.name:
        # Nobody is there: the service starts and says that it is not ready.
        nobody = "postgresql://nobody@127.0.0.1:1/nothing"
        return {**CREDENTIALS, "DATABASE_URL": nobody, "MIGRATE_ON_START": "false"}
    return {}


def test_it_serves_as_a_user_without_rights(image: Image, variables: dict[str, str]) -> None:
    with image.container(**variables) as container:
        container.wait_until_it_answers()

        rights = "import os; print(os.getuid(), os.getgid(), open('/proc/1/status').read())"
        seen = image.engine.run("exec", container.id, "python", "-c", rights).stdout
        assert seen.startswith("10001 10001 ")
        assert re.search(r"^Uid:\s10001\s10001\s10001\s10001$", seen, re.MULTILINE)
        assert re.search(r"^CapEff:\s0+$", seen, re.MULTILINE)

        image.engine.run("stop", "--time=30", container.id)
        assert container.state["ExitCode"] == 0
        assert "Shutting down" in container.log
        assert "Traceback" not in container.log


def test_the_health_check_tells_the_truth(image: Image, variables: dict[str, str]) -> None:
    with image.container(**variables) as container:
        container.wait_until_it_answers()
        check = image.engine.run("exec", container.id, *image.health_check, check=False)
        assert check.returncode == 0, check.stderr

    # The same command where no service runs.
    assert image.run(*image.health_check).returncode == 1


def test_data_is_kept_in_the_volume(image: Image, variables: dict[str, str]) -> None:
    if "sqlite" not in image.name:
        pytest.skip("This variant keeps no data in its own files.")
    volume = f"servicewright-test-{os.getpid()}"
    mount = f"--volume={volume}:/data"
    image.engine.run("volume", "create", volume)
    try:
        # As compose.yaml does it: one container migrates, then another one serves.
        given = [f"--env={name}={value}" for name, value in variables.items()]
        migrate = ("run", "--rm", "--network=none", *RESTRICTIONS, *given, mount, image.tag)
        image.engine.run(*migrate, "alembic", "upgrade", "head")
        with image.container(mount, **variables, MIGRATE_ON_START="false") as container:
            container.wait_until_it_answers()
            status, item = container.request("POST", "/items", b'{"name": "Tea", "price": "3.00"}')
            assert status == 201
            assert container.request("POST", "/uploads/a.txt", b"content")[0] == 202
            container.wait_until(
                lambda: container.request("GET", "/uploads/a.txt")[1]["status"] == "done"
            )
        with image.container(mount, **variables, MIGRATE_ON_START="false") as container:
            container.wait_until_it_answers()
            assert container.request("GET", f"/items/{item['id']}") == (200, item)
            assert container.request("GET", "/uploads/a.txt")[1]["result"]["size"] == 7
    finally:
        image.engine.run("volume", "rm", "--force", volume)


def test_the_migrations_are_in_it(image: Image, variables: dict[str, str]) -> None:
    if "nothing" in image.name:
        pytest.skip("This variant has no database.")
    given = [f"--env={name}={value}" for name, value in variables.items()]
    command = ("run", "--rm", "--network=none", *RESTRICTIONS, *given, image.tag)
    printed = image.engine.run(*command, "alembic", "upgrade", "head", "--sql").stdout
    assert "CREATE TABLE items" in printed


# Writes what the file system holds, and looks for a text in all that the build added.
LOOK = f"""
import os, shutil, stat
for top in ("/", "/app", "/data", "/root", "/home", "/tmp", "/run/secrets"):
    for folder, folders, files in os.walk(top):
        if top == "/" and folder == "/":
            folders[:] = set(folders) - {{"dev", "proc", "sys"}}
        for name in files:
            path = os.path.join(folder, name)
            print(path)
            if top == "/app" and os.stat(path).st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                print("WRITABLE", path)
            if top not in ("/", "/usr") and {CANARY!r}.encode() in open(path, "rb").read():
                print("CANARY", path)
for program in ("cc", "gcc", "g++", "clang", "ld", "make", "uv", "uvx", "git", "curl"):
    if found := shutil.which(program):
        print("PROGRAM", found)
"""


def test_it_holds_what_the_service_needs_and_no_more(image: Image) -> None:
    found = image.run("python", "-c", LOOK, user="0")
    assert found.returncode == 0, found.stderr
    lines = set(found.stdout.splitlines())
    # With which uv keeps other uvs away, and which nothing reads.
    lines -= {"/app/.venv/.lock", "WRITABLE /app/.venv/.lock"}
    for mark in ("CANARY", "PROGRAM", "WRITABLE"):
        assert [line for line in lines if line.startswith(mark)] == []

    own = {line for line in lines if line.startswith("/app/")}
    expected = {"/app/gunicorn.conf.py"}
    if "nothing" not in image.name:
        expected.add("/app/pyproject.toml")
    assert {path for path in own if not path.startswith("/app/.venv/")} == expected
    # The base image has more elsewhere.
    places = ("/app/", "/data/", "/home/", "/root/", "/tmp/")  # noqa: S108 - in the image
    unwanted = r"/\.cache/|/\.env$|/\.git/|/conftest\.py$|/uv\.lock$|\.whl$|~$"
    assert [path for path in lines if path.startswith(places) and re.search(unwanted, path)] == []

    # The service is installed, not linked, and compiled: a read-only file system is no handicap.
    version = image.base.partition(":")[2].partition("-")[0]
    installed = f"/app/.venv/lib/python{version}/site-packages/{PACKAGE}"
    assert f"{installed}/app.py" in own
    compiled = version.replace(".", "")
    assert f"{installed}/__pycache__/app.cpython-{compiled}.pyc" in own
    # Tools for development stay outside.
    for tool in ("pytest", "mypy", "ruff", "coverage", "fastapi_cli", "httpx2"):
        assert not any(path.startswith(f"{installed.rpartition('/')[0]}/{tool}/") for path in own)


def test_a_change_of_code_ships_only_code(image: Image) -> None:
    module = image.project / "src" / PACKAGE / "health.py"
    module.write_text(module.read_text() + "\n# A change.\n")
    image.engine.build(image.project, f"{image.tag}-changed")
    try:
        described = image.engine.run("image", "inspect", f"{image.tag}-changed").stdout
        layers = [one["RootFS"]["Layers"] for one in (image.description, *json.loads(described))]
    finally:
        image.engine.run("rmi", "--force", f"{image.tag}-changed")
    before, after = layers
    # The base, the user, the dependencies; then the service and its configuration.
    assert before[:-2] == after[:-2]
    assert before[-2] != after[-2]


def test_its_size(image: Image, record_property: Callable[[str, object], None]) -> None:
    (base,) = json.loads(image.engine.run("image", "inspect", image.base).stdout)
    added = image.description["Size"] - base["Size"]
    record_property("megabytes added to the base image", round(added / 1_000_000))
    assert 0 < added < LARGEST


def test_credentials_are_asked_for(image: Image) -> None:
    if "nothing" in image.name:
        pytest.skip("This variant starts without credentials.")
    with image.container() as container:
        done = image.engine.run("wait", container.id)
        assert int(done.stdout) != 0
        assert "Set " in container.log


def test_the_builder_s_image_writes_services(engine: Engine, tmp_path: Path) -> None:
    """As `builder/README.md` says."""
    commit_copy(ROOT, tmp_path)
    builder = tmp_path / "builder"
    needed = bases(engine, builder)
    build = ["uv", "build", "--quiet", "--wheel", "--out-dir", "dist", ".."]
    subprocess.run(build, cwd=builder, check=True)
    tag = "localhost/servicewright-test:builder"
    engine.build(builder, tag)
    try:
        with Image(engine, "builder", tag, needed[0], builder).container() as container:
            container.wait_until_it_answers()
            assert container.request("GET", "/ready") == (200, {"status": "ready"})
            status, draft = container.request("GET", "/draft?framework=flask&cors=yes")
            assert (status, draft["problems"]) == (200, {})
            assert "cors.py" in draft["preview"]
            user = engine.run("exec", container.id, "id", "--user").stdout
            assert user.strip() == "10001"
    finally:
        engine.run("rmi", "--force", tag)
