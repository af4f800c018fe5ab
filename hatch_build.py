"""Puts the template, with its history, and the guide into the package when it is built."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

TEMPLATE = ("copier.yml", "extensions", "template")


class TemplateHook(BuildHookInterface):  # type: ignore[type-arg]
    """Bundles what is committed: projects are updated between versions that git knows."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the bundle and the guide to what is built."""
        # An editable package finds both in the checkout; a source distribution brings the bundle.
        if version == "editable":
            return
        root = Path(self.root)
        package = "servicewright" if self.target_name == "wheel" else "src/servicewright"
        if self.target_name == "wheel":
            guide = root / "docs" / "cookbook.md"
            build_data["force_include"][str(guide)] = f"{package}/{guide.name}"
        if not (root / ".git").exists():
            return
        if not (root / "src" / "servicewright" / "proof.json").exists():
            self.app.display_warning("The package carries no proof: servicewright prove makes it.")
        if self._git("rev-parse", "--is-shallow-repository") == "true":
            message = "A shallow clone has no history to update projects by: git fetch --unshallow."
            raise RuntimeError(message)
        if self._git("status", "--porcelain", "--", *TEMPLATE):
            self.app.display_warning("The package holds the template as it is committed.")
        self._directory = tempfile.mkdtemp()
        bundle = Path(self._directory, "template.bundle")
        self._git("bundle", "create", str(bundle), "HEAD", "--tags")
        build_data["force_include"][str(bundle)] = f"{package}/template.bundle"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Remove what was made for it."""
        if hasattr(self, "_directory"):
            shutil.rmtree(self._directory)

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments],  # noqa: S607 - whichever git is on the path
            cwd=self.root,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()
