"""The Kubernetes manifests fit the API, the image and the service."""

from __future__ import annotations

import copy
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

import kubernetes_validate
import pytest
import yaml
from deployments import Deployment, different
from matrix.rendering import render

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from matrix.rendering import Renderer

FOLDER = "kubernetes/"


class Project(Deployment):
    """A variant with its manifests."""

    @cached_property
    def manifests(self) -> dict[str, dict[str, Any]]:
        """All objects by their kinds: there is one of each."""
        found = [
            manifest
            for path, content in self.tree.files.items()
            if path.startswith(FOLDER) and path.endswith(".yaml")
            for manifest in yaml.safe_load_all(content)
        ]
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
        """The container of the service."""
        (container,) = self.pod["containers"]
        assert isinstance(container, dict)
        return container

    def pods(self) -> Iterator[dict[str, Any]]:
        """Give the specification of all pods, of the migration too."""
        for kind in ("Deployment", "Job"):
            if kind in self.manifests:
                yield self.manifests[kind]["spec"]["template"]["spec"]


@pytest.fixture(scope="module")
def projects(renderer: Renderer) -> list[Project]:
    """The variants with the feature, those that differ in what is looked at here."""

    def looked_at(path: str) -> bool:
        return path.startswith(FOLDER) or path in {"Dockerfile", "gunicorn.conf.py"}

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
    for project in projects:
        for kind, manifest in project.manifests.items():
            assert problems(manifest) == [], (project.tree.variant.id, kind)
            seen.add(kind)
    assert seen == {
        *("Deployment", "Service", "Job", "PersistentVolumeClaim"),
        *("HorizontalPodAutoscaler", "PodDisruptionBudget"),
    }


def test_what_the_api_does_not_know_is_found(projects: list[Project]) -> None:
    wrong = copy.deepcopy(projects[0].manifests["Deployment"])
    wrong["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}

    assert problems(wrong)


def test_kinds_are_those_that_the_features_need(projects: list[Project]) -> None:
    for project in projects:
        database = project.tree.variant.answers["database"]
        tasks = project.tree.variant.answers["background_tasks"]
        one = database != "postgresql" or tasks != "none"
        expected = {"Deployment", "Service"}
        expected |= {"Job"} if database == "postgresql" else set()
        expected |= {"PersistentVolumeClaim"} if database == "sqlite" or tasks != "none" else set()
        expected |= set() if one else {"HorizontalPodAutoscaler", "PodDisruptionBudget"}
        assert project.manifests.keys() == expected, project.tree.variant.id
        deployment = project.manifests["Deployment"]["spec"]
        # What is its own must never be served by two at a time.
        assert (deployment.get("replicas") == 1) == one
        assert (deployment.get("strategy") == {"type": "Recreate"}) == one


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
            mount["name"] for mount in project.container["volumeMounts"]
        }


def test_names_are_those_that_the_api_takes(template: Path, tmp_path: Path) -> None:
    answers = {"database": "postgresql", "docker": True, "package_name": "web_shop_2"}
    render(template, tmp_path / "shop", answers)

    names = [
        manifest["metadata"]["name"]
        for path in (tmp_path / "shop" / FOLDER).glob("*.yaml")
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
        assert mounts == {"/tmp", *re.findall(r"(/data)$", dockerfile, re.MULTILINE)[:1]}  # noqa: S108


def test_there_is_time_to_stop(projects: list[Project]) -> None:
    for project in projects:
        pause = project.container["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert project.pod["terminationGracePeriodSeconds"] > pause + project.graceful_timeout


def test_what_must_be_set_comes_from_a_secret_that_the_readme_makes(
    projects: list[Project],
) -> None:
    for project in projects:
        needed = project.must_be_set
        text = project.text("kubernetes/README.md")
        assert set(re.findall(r"--from-literal=([A-Z_]+)=", text)) == needed
        for pod in project.pods():
            (container,) = pod["containers"]
            assert ("envFrom" in container) == bool(needed)
        assert "password" not in str(project.manifests).lower()


def test_containers_can_do_little(projects: list[Project]) -> None:
    for project in projects:
        for pod in project.pods():
            assert pod["automountServiceAccountToken"] is False
            assert pod["securityContext"]["runAsNonRoot"] is True
            (container,) = pod["containers"]
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
