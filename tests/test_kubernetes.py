"""The Kubernetes manifests fit the API, the image and the service."""

from __future__ import annotations

import copy
import json
import posixpath
import re
import subprocess
from functools import cached_property
from typing import TYPE_CHECKING, Any

import kubernetes_validate
import pytest
import yaml
from deployments import Deployment, different
from matrix.rendering import PACKAGE, render

from conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from matrix.rendering import Renderer

FOLDER = "kubernetes/"
BASE_NAME = "kustomization.yaml"
BASE = f"{FOLDER}{BASE_NAME}"
OVERLAY = "overlays/production/kustomization.yaml"
# What PostgreSQL gives to all but its superuser where nobody set max_connections.
CONNECTIONS = 97


# Objects of what runs jobs.
OF_JOBS = re.compile(r"-(worker|beat|jobs)$")


class Project(Deployment):
    """A variant with its manifests."""

    @cached_property
    def all(self) -> list[dict[str, Any]]:
        """All objects."""
        return [
            manifest
            for path, content in self.tree.files.items()
            if path.startswith(FOLDER) and path.endswith(".yaml") and path != BASE
            for manifest in yaml.safe_load_all(content)
        ]

    @property
    def of_jobs(self) -> dict[tuple[str, str], dict[str, Any]]:
        """The objects of what runs jobs, by kind and what they are of."""
        return {
            (one["kind"], found[1]): one
            for one in self.all
            if (found := OF_JOBS.search(one["metadata"]["name"]))
        }

    @cached_property
    def manifests(self) -> dict[str, dict[str, Any]]:
        """The objects of the service itself by their kinds: there is one of each."""
        found = [one for one in self.all if not OF_JOBS.search(one["metadata"]["name"])]
        by_kind = {manifest["kind"]: manifest for manifest in found}
        assert len(by_kind) == len(found)
        return by_kind

    @property
    def pod(self) -> dict[str, Any]:
        """The specification of the service's pods."""
        pod: dict[str, Any] = self.manifests["Deployment"]["spec"]["template"]["spec"]
        return pod

    @property
    def container(self) -> dict[str, Any]:
        """The container of the service; with SQLite, a worker and beat are beside it."""
        container, *beside = self.pod["containers"]
        jobs = ["worker", "beat"] if self.on["celery"] and self.on["sqlite"] else []
        assert [one["name"] for one in beside] == jobs
        assert isinstance(container, dict)
        return container

    def pods(self) -> Iterator[dict[str, Any]]:
        """Give the specification of all pods, of the migration too."""
        for one in self.all:
            if one["kind"] in {"Deployment", "Job"}:
                yield one["spec"]["template"]["spec"]


@pytest.fixture(scope="module")
def projects(renderer: Renderer) -> list[Project]:
    """The variants with the feature, those that differ in what is looked at here."""

    def looked_at(path: str) -> bool:
        return path.startswith((FOLDER, "overlays/")) or path in {
            *("Dockerfile", "gunicorn.conf.py"),
            f"src/{PACKAGE}/settings.py",
        }

    return [Project(tree) for tree in different(renderer, looked_at)]


def problems(manifest: dict[str, Any]) -> list[str]:
    """Check an object against the schema of its kind; what the schema has not is wrong."""
    try:
        kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)
    except kubernetes_validate.ValidationError as error:
        return [error.message]
    return []


def test_the_api_knows_all_of_it(projects: list[Project]) -> None:
    seen = set()
    checked = set()
    for project in projects:
        for manifest in project.all:
            text = json.dumps(manifest)
            if text not in checked:
                assert problems(manifest) == [], (project.tree.variant.id, manifest["kind"])
            checked.add(text)
            seen.add(manifest["kind"])
    assert seen == {
        *("Deployment", "Service", "Job", "PersistentVolumeClaim", "NetworkPolicy"),
        *("HorizontalPodAutoscaler", "PodDisruptionBudget"),
    }


def test_the_api_knows_all_of_the_builder_s() -> None:
    """Its owner edited them."""
    paths = [path for path in (ROOT / "builder" / FOLDER).glob("*.yaml") if path.name != BASE_NAME]
    assert {path.stem for path in paths} == {"deployment", "network", "service"}
    for path in paths:
        for manifest in yaml.safe_load_all(path.read_text()):
            assert problems(manifest) == [], path.name


def test_what_the_api_does_not_know_is_found(projects: list[Project]) -> None:
    wrong = copy.deepcopy(projects[0].manifests["Deployment"])
    wrong["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}

    assert problems(wrong)


def test_kinds_are_those_that_the_features_need(projects: list[Project]) -> None:
    for project in projects:
        database = project.tree.variant.answers["database"]
        files = project.on["file_storage"]
        alone = files and not project.on["celery"]
        one = database != "postgresql" or alone
        expected = {"Deployment", "NetworkPolicy", "Service"}
        expected |= {"Job"} if database == "postgresql" else set()
        expected |= {"PersistentVolumeClaim"} if database == "sqlite" or files else set()
        expected |= set() if one else {"HorizontalPodAutoscaler", "PodDisruptionBudget"}
        assert project.manifests.keys() == expected, project.tree.variant.id
        deployment = project.manifests["Deployment"]["spec"]
        # What is its own must never be served by two at a time.
        assert (deployment.get("replicas") == 1) == one
        assert (deployment.get("strategy") == {"type": "Recreate"}) == one


def test_jobs_have_workers_and_one_beat(projects: list[Project]) -> None:
    for project in projects:
        found = project.of_jobs
        if not project.on["celery"]:
            assert not found
            continue
        apart = not project.on["sqlite"]
        workers = {("Deployment", "worker"), ("HorizontalPodAutoscaler", "worker")}
        others = {("Deployment", "beat"), ("NetworkPolicy", "jobs")}
        assert found.keys() == (workers | others if apart else set())
        files = project.on["keeps_files"]
        if files:
            (mode,) = project.manifests["PersistentVolumeClaim"]["spec"]["accessModes"]
            assert mode == ("ReadWriteMany" if apart else "ReadWriteOnce")
        containers = {one["name"]: one for pod in project.pods() for one in pod["containers"]}
        tmp = []
        for name in ("worker", "beat"):
            container = containers[name]
            assert container["command"] == ["celery", "--app", f"{PACKAGE}.worker", name]
            assert {"startupProbe", "livenessProbe"} <= container.keys()
            mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
            assert mounts.pop("/data", "") == ("data" if files else "")
            # They show there that they are alive, and must not do so for each other.
            (where,) = mounts.items()
            tmp.append(where)
        assert tmp == [
            ("/tmp", "tmp"),  # noqa: S108
            ("/tmp", "tmp" if apart else "tmp-of-beat"),  # noqa: S108
        ]
        buckets = [
            (name, variable["value"])
            for name, one in sorted(containers.items())
            for variable in one.get("env", ())
            if variable["name"] == "STORAGE_URL"
        ]
        everyone = ["app", "beat", "worker"] if project.on["object_storage"] else []
        assert [name for name, _ in buckets] == everyone
        assert len({url for _, url in buckets}) == len(everyone[:1])
        if not apart:
            continue
        beat = found["Deployment", "beat"]["spec"]
        assert (beat["replicas"], beat["strategy"]) == (1, {"type": "Recreate"})
        policy = found["NetworkPolicy", "jobs"]["spec"]
        (selected,) = policy["podSelector"]["matchExpressions"]
        base = project.manifests["Deployment"]["metadata"]["name"]
        assert selected["values"] == [f"{base}-worker", f"{base}-beat"]
        assert "ingress" not in policy
        asked = project.manifests["NetworkPolicy"]["spec"]["egress"]
        # The service alone asks the issuer of access tokens.
        ports = [rule["ports"] for rule in asked]
        if project.on["oidc"]:
            ports.remove([{"port": 443}])
        assert [rule["ports"] for rule in policy["egress"]] == ports
        for labels in (
            one["spec"]["template"]["metadata"]["labels"]
            for one in found.values()
            if one["kind"] == "Deployment"
        ):
            assert set(labels.values()) <= set(selected["values"])
    assert {project.on["sqlite"] for project in projects if project.on["celery"]} == {True, False}


def test_names_fit_together(projects: list[Project]) -> None:
    for project in projects:
        deployment = project.manifests["Deployment"]
        name, labels = deployment["metadata"]["name"], deployment["spec"]["template"]["metadata"]
        assert deployment["spec"]["selector"]["matchLabels"] == labels["labels"]
        assert project.manifests["Service"]["spec"]["selector"] == labels["labels"]
        ports = {port["name"] for port in project.container["ports"]}
        assert {
            port["targetPort"] for port in project.manifests["Service"]["spec"]["ports"]
        } == ports
        if "PodDisruptionBudget" in project.manifests:
            budget = project.manifests["PodDisruptionBudget"]["spec"]
            assert budget["selector"]["matchLabels"] == labels["labels"]
            target = project.manifests["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
            assert (target["kind"], target["name"]) == ("Deployment", name)
        claims = {
            volume["persistentVolumeClaim"]["claimName"]
            for volume in project.pod["volumes"]
            if "persistentVolumeClaim" in volume
        }
        own = project.manifests.get("PersistentVolumeClaim", {"metadata": {"name": None}})
        assert claims == {own["metadata"]["name"]} - {None}
        assert {volume["name"] for volume in project.pod["volumes"]} == {
            mount["name"] for one in project.pod["containers"] for mount in one["volumeMounts"]
        }


def test_names_are_those_that_the_api_takes(template: Path, tmp_path: Path) -> None:
    answers = {"database": "postgresql", "docker": True, "package_name": "web_shop_2"}
    render(template, tmp_path / "shop", answers)

    names = [
        manifest["metadata"]["name"]
        for path in (tmp_path / "shop" / FOLDER).glob("*.yaml")
        if path.name != "kustomization.yaml"
        for manifest in yaml.safe_load_all(path.read_text())
    ]

    assert set(names) == {"web-shop-2", "web-shop-2-migrate"}


def test_probes_are_the_health_routes(projects: list[Project]) -> None:
    for project in projects:
        probes = {
            probe: project.container[f"{probe}Probe"]["httpGet"]
            for probe in ("startup", "liveness", "readiness")
        }
        assert probes == {
            "startup": {"path": "/health", "port": "http"},
            "liveness": {"path": "/health", "port": "http"},
            "readiness": {"path": "/ready", "port": "http"},
        }


def test_they_fit_the_image(projects: list[Project]) -> None:
    for project in projects:
        dockerfile = project.text("Dockerfile")
        user = re.search(r"^USER (\d+)$", dockerfile, re.MULTILINE)
        port = re.search(r"^EXPOSE (\d+)$", dockerfile, re.MULTILINE)
        assert user
        assert port
        for pod in project.pods():
            assert pod["securityContext"]["runAsUser"] == int(user[1])
        assert [one["containerPort"] for one in project.container["ports"]] == [int(port[1])]
        mounts = {mount["mountPath"] for mount in project.container["volumeMounts"]}
        kept = re.findall(r"(/data)$", dockerfile, re.MULTILINE)[:1]
        # Several machines share no directory.
        assert mounts == {"/tmp", *(kept if project.on["keeps_files"] else [])}  # noqa: S108
        assert kept or not project.on["keeps_files"]


def test_there_is_time_to_stop(projects: list[Project]) -> None:
    for project in projects:
        pause = project.container["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert project.pod["terminationGracePeriodSeconds"] > pause + project.graceful_timeout


def test_what_must_be_set_comes_from_a_secret_that_the_readme_makes(
    projects: list[Project],
) -> None:
    for project in projects:
        needed = project.must_be_set
        if project.on["object_storage"]:
            needed |= {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
        if project.on["celery"]:
            # Its address has a password, and no default that does in a cluster.
            needed |= {"CELERY_BROKER_URL"}
        text = project.text("kubernetes/README.md")
        assert set(re.findall(r"--from-literal=([A-Z_]+)=", text)) == needed
        for container in (one for pod in project.pods() for one in pod["containers"]):
            assert ("envFrom" in container) == bool(needed)
            for source in container.get("envFrom", ()):
                # A storage can be reached by the role of the service.
                must = project.must_be_set or project.on["celery"]
                assert source["secretRef"].get("optional", False) == (not must)
        assert "password" not in str(project.manifests).lower()


def test_containers_can_do_little(projects: list[Project]) -> None:
    for project in projects:
        for pod in project.pods():
            assert pod["automountServiceAccountToken"] is False
            assert pod["securityContext"]["runAsNonRoot"] is True
            for container in pod["containers"]:
                assert container["securityContext"] == {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                }
                assert container["resources"]["limits"]["memory"]


def test_every_file_that_the_readme_names_is_there(projects: list[Project]) -> None:
    for project in projects:
        text = project.text("kubernetes/README.md")
        for path in re.findall(r"kubernetes/[\w.-]+", text):
            assert path in project.tree.files, path
        assert "overlays/production" in text


def test_kustomize_finds_all_of_it(projects: list[Project]) -> None:
    for project in projects:
        base = yaml.safe_load(project.text(BASE))
        files = {path for path in project.tree.files if path.startswith(FOLDER)}
        manifests = {path for path in files if path.endswith(".yaml")} - {BASE}
        assert {f"{FOLDER}{name}" for name in base["resources"]} == manifests
        assert len(base["resources"]) == len(manifests)

        overlay = yaml.safe_load(project.text(OVERLAY))
        # A base below its overlay, or above it, is refused as a cycle.
        assert [posixpath.normpath(f"{OVERLAY}/../{name}") for name in overlay["resources"]] == [
            "kubernetes"
        ]
        (image,) = overlay["images"]
        used = {container["image"] for pod in project.pods() for container in pod["containers"]}
        assert {name.rpartition(":")[0] for name in used} == {image["name"]}
        for patch in overlay["patches"]:
            changed = yaml.safe_load(patch["patch"])
            original = project.manifests[patch["target"]["kind"]]
            assert patch["target"]["name"] == original["metadata"]["name"]
            assert changed["metadata"]["name"] == original["metadata"]["name"]
            (container,) = changed["spec"]["template"]["spec"]["containers"]
            assert container["name"] == project.container["name"]


def test_the_policy_lets_in_what_asks_and_out_what_is_needed(projects: list[Project]) -> None:
    for project in projects:
        policy = project.manifests["NetworkPolicy"]["spec"]
        labels = project.manifests["Deployment"]["spec"]["selector"]["matchLabels"]
        assert policy["podSelector"]["matchLabels"] == labels
        assert [port["port"] for rule in policy["ingress"] for port in rule["ports"]] == ["http"]
        out = {port["port"] for rule in policy["egress"] for port in rule["ports"]}
        needed = {"postgresql": 5432, "oidc": 443, "object_storage": 443, "telemetry": 4318}
        expected = {53, *(port for name, port in needed.items() if project.on[name])}
        assert out == expected | ({5672, 6379} if project.on["celery"] else set())


def test_all_replicas_together_have_the_connections_that_they_need(
    projects: list[Project],
) -> None:
    seen = 0
    for project in projects:
        if "HorizontalPodAutoscaler" not in project.manifests:
            continue
        settings = project.text(f"src/{PACKAGE}/settings.py")
        workers, pool = (
            int(found)
            for name in ("web_concurrency", "database_pool_size")
            for found in re.findall(rf"^    {name}: \w+ = \D*(\d+)", settings, re.MULTILINE)
        )
        replicas = project.manifests["HorizontalPodAutoscaler"]["spec"]["maxReplicas"]
        surge = project.manifests["Deployment"]["spec"]["strategy"]["rollingUpdate"]["maxSurge"]
        # One more for each process that asks whether the database answers, and the migration.
        needed = (replicas + surge) * workers * (pool + 1) + 1
        if project.on["celery"]:
            # A job has one connection; two of them run in each worker, of which one may be new.
            scaling = project.of_jobs["HorizontalPodAutoscaler", "worker"]["spec"]
            needed += (scaling["maxReplicas"] + 1) * 2
        assert needed <= CONNECTIONS
        seen += 1
    assert seen


# Answers as the cluster would: the job is as this file says, and each call is noted.
KUBECTL = """#!/bin/sh
echo "$@" >> "$CALLS"
case "$1 $2" in
    "wait --for=condition=complete") test "$JOB" = complete ;;
    "wait --for=condition=failed") test "$JOB" = failed ;;
    "get job/shop-migrate") test "$JOB" != gone ;;
esac
"""


@pytest.mark.parametrize(("job", "expected"), [("complete", 0), ("failed", 1), ("gone", 1)])
def test_the_service_is_replaced_only_after_its_migration(
    template: Path, tmp_path: Path, job: str, expected: int
) -> None:
    answers = {"database": "postgresql", "docker": True, "package_name": "shop"}
    render(template, tmp_path / "shop", answers)
    program = tmp_path / "bin" / "kubectl"
    program.parent.mkdir()
    program.write_text(KUBECTL)
    program.chmod(0o755)
    calls = tmp_path / "calls"

    done = subprocess.run(
        ["/bin/sh", "kubernetes/deploy.sh", "overlays/production"],
        cwd=tmp_path / "shop",
        env={"PATH": f"{program.parent}:/usr/bin:/bin", "CALLS": str(calls), "JOB": job},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == expected, done.stderr
    said = calls.read_text().splitlines()
    assert said[1].startswith("apply --kustomize overlays/production --selector ")
    replaced = "apply --kustomize overlays/production" in said
    assert replaced == (job == "complete")
    assert ("The migration failed" in done.stderr) == (job == "failed")
