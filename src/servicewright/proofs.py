"""What was proved of which variants: the manifest that `prove` writes and a release carries.

Its form is that of ``proof.schema.json``. What many variants have in common, the versions that were
installed and how they were run, stands in it once.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.version import Version

from servicewright.errors import ProofError
from servicewright.repository import ANSWERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from servicewright.questions import Answer

# The manifest that this package carries, once there is one.
CARRIED = Path(__file__).with_name("proof.json")


@dataclass(frozen=True)
class Circumstances:
    """In what variants were proved.

    Attributes:
        version: The version of the template.
        commit: Its commit; None when the template had changes that were not committed.
        python: The version of Python.
        system: The operating system and the kind of machine.
        resolution: Which of the allowed versions were installed: ``highest`` or ``lowest-direct``.
        checks: What was run.
        tools: The versions of the programs that this repository brings for that.
    """

    version: str
    commit: str | None
    python: str
    system: str
    resolution: str
    checks: tuple[str, ...]
    tools: Mapping[str, str]


@dataclass(frozen=True)
class Proof:
    """What became of a variant.

    Attributes:
        id: The variant.
        answers: Its answers.
        tree: A hash of its files (see :func:`tree_hash`).
        requirements: What was installed, each as ``name==version``; nothing where that failed.
        circumstances: How it was run.
        tests: How many tests passed.
        date: The day on which its suite was run.
        problems: What was wrong, one sentence each; it is proved when there is none.
    """

    id: str
    answers: Mapping[str, Answer]
    tree: str
    requirements: tuple[str, ...]
    circumstances: Circumstances
    tests: int
    date: str
    problems: tuple[str, ...] = ()

    def version(self, name: str) -> str | None:
        """Give the version of a distribution that was installed."""
        installed = dict(pinned.split("==") for pinned in self.requirements)
        return installed.get(name)


@dataclass(frozen=True)
class Manifest:
    """What was proved.

    Attributes:
        common: The answers to the questions that make no variants, the same in all trees.
        proofs: What became of each variant, by its id.
    """

    common: Mapping[str, Answer]
    proofs: Mapping[str, Proof]

    def about(self, answers: Mapping[str, Any]) -> Proof | None:
        """Give what became of the variant that has some answers; None when it is not in here."""
        for proof in self.proofs.values():
            if proof.answers.items() <= answers.items():
                return proof
        return None


def read(path: Path) -> Manifest:
    """Read a manifest.

    Raises:
        ProofError: There is none, or it is not in the form that this version writes.
    """
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
        ways = {
            name: Circumstances(**{**about, "checks": tuple(about["checks"])})
            for name, about in loaded["circumstances"].items()
        }
        proofs = {
            name: Proof(
                id=name,
                answers=about["answers"],
                tree=about["tree"],
                requirements=tuple(loaded["requirements"][about["requirements"]]),
                circumstances=ways[about["circumstances"]],
                tests=about["tests"],
                date=about["date"],
                problems=tuple(about.get("problems", ())),
            )
            for name, about in loaded["variants"].items()
        }
        return Manifest(loaded["common"], proofs)
    except OSError as error:
        raise ProofError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ProofError(
            f"{path} is no manifest that `servicewright prove` has written."
        ) from error


def write(path: Path, manifest: Manifest) -> None:
    """Write a manifest, of which others see all or nothing: a variant takes one line.

    Raises:
        ProofError: It cannot be written.
    """
    ways: dict[str, Any] = {}
    requirements: dict[str, Any] = {}
    variants = {}
    for name, proof in sorted(manifest.proofs.items()):
        variants[name] = {
            "answers": proof.answers,
            "tree": proof.tree,
            "requirements": _shared(requirements, proof.requirements),
            "circumstances": _shared(ways, asdict(proof.circumstances)),
            "tests": proof.tests,
            "date": proof.date,
            "result": "failed" if proof.problems else "passed",
            **({"problems": proof.problems} if proof.problems else {}),
        }
    parts = {
        "common": manifest.common,
        "circumstances": ways,
        "requirements": requirements,
        "variants": variants,
    }
    text = ",\n".join(f"{json.dumps(name)}: {_lines(part)}" for name, part in parts.items())
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(f"{{\n{text}\n}}\n", encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise ProofError(f"{path} cannot be written: {error.strerror}.") from error


def _shared(known: dict[str, Any], value: Any) -> str:
    """Keep a value under a name that is the same wherever the value is."""
    name = hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]
    known[name] = value
    return name


def _lines(part: Mapping[str, Any]) -> str:
    """Write an object with a line for each of its members."""
    lines = (f"{json.dumps(name)}: {json.dumps(value)}" for name, value in part.items())
    return "{\n" + ",\n".join(lines) + "\n}"


def carried() -> Manifest | None:
    """Read the manifest that this package carries; None when it carries none."""
    return read(CARRIED) if CARRIED.is_file() else None


def tree_hash(files: Mapping[str, bytes]) -> str:
    """Give a hash of the files of a project: of what ``sha256sum`` prints of them, by their paths.

    The file of the answers is left out: it names where the template was.

    Args:
        files: The contents, by path.
    """
    listed = (
        f"{hashlib.sha256(content).hexdigest()}  {path}\n"
        for path, content in sorted(files.items())
        if path != ANSWERS
    )
    return hashlib.sha256("".join(listed).encode()).hexdigest()


def constraints(proofs: Iterable[Proof]) -> list[str]:
    """List the versions with which variants were proved, as pip and uv take constraints.

    Where they differ from variant to variant, all from the lowest to the highest are allowed.
    """
    versions: defaultdict[str, set[str]] = defaultdict(set)
    for proof in proofs:
        if not proof.problems:
            for pinned in proof.requirements:
                name, _, version = pinned.partition("==")
                versions[name].add(version)
    return [
        f"{name}=={min(found)}"
        if len(found) == 1
        else f"{name}>={min(found, key=Version)},<={max(found, key=Version)}"
        for name, found in sorted(versions.items())
    ]
