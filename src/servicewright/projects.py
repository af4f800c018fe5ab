"""Makes a project from the template: whole, or not at all."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import warnings
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from copier._settings import SettingsModel
from copier.errors import CopierError, CopierWarning, DirtyLocalWarning
from jinja2 import TemplateError as JinjaError
from plumbum import ProcessExecutionError

from servicewright import git, proofs, questions, resources
from servicewright.copying import Worker
from servicewright.errors import DestinationError, ServicewrightError, TemplateError
from servicewright.git import complaint, environment
from servicewright.prompts import whole_messages
from servicewright.repository import ANSWERS
from servicewright.templates import no_such_version

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from servicewright.proofs import Proof
    from servicewright.questions import Answer, Question
    from servicewright.templates import Source


# What git hosts put into a new repository.
_PREPARED = re.compile(
    r"(README|LICEN[CS]E|COPYING|NOTICE)([.-].+)?|\.gitignore|\.gitattributes", re.IGNORECASE
)


@dataclass(frozen=True)
class Project:
    """A project that was made.

    Attributes:
        path: Where it is.
        source: The template it is made from.
        commit: The version of the template that it remembers; None when the template has none.
        answers: The answers to what is asked, and to other questions that were answered, by the
            name of the question.
        warnings: What the user should know about it, one sentence each.
    """

    path: Path
    source: Source
    commit: str | None
    answers: dict[str, Any]
    warnings: tuple[str, ...]


def create(
    source: Source, destination: Path, answers: Mapping[str, Answer], *, ask: bool
) -> Project:
    """Make a project.

    It is rendered beside its destination and put in place with one rename, so whatever goes
    wrong, an interrupt too, leaves the destination as it was.

    Args:
        source: The template.
        destination: A path where nothing is, or an empty directory. A repository that holds
            nothing but what a git host puts there counts as empty: README, license, .gitignore.
        answers: What is answered already.
        ask: Whether Copier asks the rest; the defaults are taken otherwise.

    Raises:
        DestinationError: The destination is taken, or cannot be written to.
        TemplateError: The template cannot be fetched, or is not one.
        ServicewrightError: Copier refuses for another reason, such as an answer's validator.
    """
    destination = check_destination(destination)
    with _staged(destination) as staged, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", CopierWarning)
        with told_in_a_sentence(source), environment(ask=ask), whole_messages():
            worker = Worker(
                src_path=source.location,
                dst_path=staged,
                data=dict(answers),
                vcs_ref=source.ref,
                defaults=not ask,
                unsafe=True,
                quiet=True,
            )
            with worker:
                worker.run_copy()
        remember(staged, source)
    return Project(
        path=destination,
        source=source,
        commit=worker.template.commit,
        answers={
            name: answer
            for name, answer in worker.answers.user.items()
            if name not in worker.answers.hidden
            and (name in answers or worker.template.questions_data[name].get("ask", True))
        },
        warnings=(*_limits(source), *sentences(caught)),
    )


def proof_of(project: Project) -> Proof | None:
    """Give the proof of the variant that a new project is, if this package carries one.

    What was proved had other names in it. So the variant is made once more, with these, and has to
    be the same in each byte; and the project must have no other answers but names and Python.
    """
    with suppress(ServicewrightError, OSError):
        manifest = proofs.carried()
        proof = manifest.about(project.answers) if manifest else None
        if manifest is None or proof is None or proof.problems:
            return None
        with (
            tempfile.TemporaryDirectory() as directory,
            warnings.catch_warnings(action="ignore", category=CopierWarning),
            told_in_a_sentence(project.source),
            environment(ask=False),
        ):
            tree = Path(directory, "service")
            with Worker(
                src_path=project.source.location,
                dst_path=tree,
                data={**manifest.common, **proof.answers},
                vcs_ref=project.source.ref,
                settings=SettingsModel(),
                defaults=True,
                unsafe=True,
                quiet=True,
            ) as worker:
                worker.run_copy()
            files = {
                path.relative_to(tree).as_posix(): path.read_bytes()
                for path in tree.rglob("*")
                if path.is_file()
            }
            # What a service keeps is no name of it, and makes no variants.
            own, proved = (_others(each, manifest.common) for each in (project.path, tree))
        if proofs.tree_hash(files) == proof.tree and own == proved:
            return proof
    return None


def _others(project: Path, common: Collection[str]) -> dict[str, Any]:
    """Give what a project remembers as answers, but those to some questions."""
    loaded = yaml.safe_load((project / ANSWERS).read_bytes())
    return {
        name: answer
        for name, answer in loaded.items()
        if name not in common and not name.startswith("_")
    }


def remember(project: Path, source: Source) -> None:
    """Have a project remember the address of its template in the place of where it is just now."""
    path = project / ANSWERS
    if source.address is None or not path.is_file():
        return
    text = path.read_text(encoding="utf-8")
    path.write_text(with_address(text, source.address), encoding="utf-8")


def with_address(text: str, address: str) -> str:
    """Give the text of a file of answers with another address of the template."""
    node = yaml.compose(text, yaml.SafeLoader)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == "_src_path":
                start, end = value.start_mark.index, value.end_mark.index
                quoted = yaml.safe_dump(address, width=1000).splitlines()[0]
                return text[:start] + quoted + text[end:]
    return text


def questions_of(source: Source) -> list[Question]:
    """List the questions of a template, which is fetched if need be.

    Raises:
        TemplateError: It cannot be fetched, or has no questions.
    """
    return questions.from_config(config_of(source))


def config_of(source: Source) -> Mapping[str, Any]:
    """Give what the copier.yml of a template says, which is fetched if need be.

    Raises:
        TemplateError: It cannot be fetched, or has no questions.
    """
    if source.directory is not None and source.ref in {None, "HEAD"}:
        return questions.load(source.directory)
    with (
        warnings.catch_warnings(action="ignore", category=CopierWarning),
        told_in_a_sentence(source),
        environment(ask=False),
        # It fetches the template and writes nothing.
        Worker(src_path=source.location, vcs_ref=source.ref, settings=SettingsModel()) as worker,
    ):
        template = worker.template
        settings = {f"_{name}": value for name, value in template.config_data.items()}
    if not template.questions_data:
        raise TemplateError(f"{source.location} is not a template: it asks no questions.")
    return {**settings, **template.questions_data}


def check_destination(destination: Path) -> Path:
    """Give the absolute path of a destination that can be written to.

    Raises:
        DestinationError: It is taken.
    """
    try:
        path = destination.expanduser().resolve()
        if not path.exists():
            return path
        if not path.is_dir():
            raise DestinationError(f"{destination} is a file: choose another destination.")
        names = {child.name for child in path.iterdir()} - {".git"}
        if not all(_PREPARED.fullmatch(name) for name in names):
            raise DestinationError(f"{destination} is not empty: choose another destination.")
        if names and not _is_committed(path):
            raise DestinationError(
                f"{destination} holds {', '.join(sorted(names))}: commit that, so that nothing is "
                "lost, or choose another destination."
            )
    except (OSError, RuntimeError) as error:
        raise DestinationError(f"{destination} cannot be used: {_reason(error)}.") from error
    return path


def _is_committed(directory: Path) -> bool:
    """Whether git has all that a directory holds."""
    try:
        git.run(directory, "rev-parse", "--verify", "HEAD")
        return not git.run(directory, "status", "--porcelain", "--ignored", "--", ".")
    except git.GitError:
        return False


@contextmanager
def _staged(destination: Path) -> Iterator[Path]:
    """Lend a path to write a project to, and move what is there to the destination in the end.

    The path has the destination's name, from which Copier derives defaults, and lies on its file
    system, where a rename is atomic. After an exception nothing is moved and nothing is left.

    Raises:
        DestinationError: A project cannot be written there.
    """
    existing = next(path for path in (destination, *destination.parents) if path.exists())
    missing = destination.relative_to(existing)
    try:
        with tempfile.TemporaryDirectory(prefix=".servicewright-", dir=existing) as directory:
            if missing.parts:
                yield Path(directory) / missing
                # The topmost new directory carries the others along.
                Path(directory, missing.parts[0]).rename(existing / missing.parts[0])
            else:
                staged = Path(directory) / destination.name
                yield staged
                _keep_rules(destination / ".gitignore", staged / ".gitignore")
                _move_children(staged, destination, Path(directory) / "former")
    except OSError as error:
        raise DestinationError(f"{destination} cannot be written: {_reason(error)}.") from error


def _keep_rules(former: Path, new: Path) -> None:
    """Keep what a .gitignore says besides the one that takes its place."""
    if not (former.is_file() and new.is_file()):
        return
    text = new.read_text(encoding="utf-8")
    lines = former.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    rules = [line for line in lines if line.strip() and not line.startswith("#")]
    kept = [rule for rule in rules if rule not in text.splitlines()]
    if kept:
        added = "\n".join(["", "# As it was before:", *kept, ""])
        new.write_text(text + added, encoding="utf-8", errors="surrogateescape")


def _move_children(source: Path, destination: Path, former: Path) -> None:
    """Move all that a directory holds; after an exception the destination is as it was.

    Args:
        source: The directory.
        destination: Where to.
        former: Where to put what is in the way.
    """
    moved: list[Path] = []
    former.mkdir()
    try:
        for child in sorted(source.iterdir()):
            target = destination / child.name
            if os.path.lexists(target) and _PREPARED.fullmatch(child.name):
                target.rename(former / child.name)
            moved.append(target)
            child.rename(target)
    except BaseException:
        for path in moved:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        for path in former.iterdir():
            path.rename(destination / path.name)
        raise


@contextmanager
def told_in_a_sentence(source: Source) -> Iterator[None]:
    """Turn what Copier and its libraries raise into errors for the user."""
    try:
        yield
    except KeyboardInterrupt:
        # Copier's own interrupt is an error of Copier's as well.
        raise
    except ProcessExecutionError as error:
        reason = complaint(str(error.stderr))
        if "invalid reference" in reason:
            raise no_such_version(source, repr(reason.rpartition(": ")[2])) from error
        raise TemplateError(f"git cannot get {source.location}: {reason}.") from error
    except ValueError as error:
        if str(error).startswith("Unknown revision"):
            raise no_such_version(source, str(error).partition(": ")[2]) from error
        raise ServicewrightError(_refusal(error)) from error
    except (CopierError, JinjaError, yaml.YAMLError) as error:
        raise ServicewrightError(_sentence(error)) from error


def _refusal(error: ValueError) -> str:
    """Say what Copier refuses, and how to give another answer."""
    message = _sentence(error)
    refused = re.fullmatch(r"Validation error for question '(\w+)': (.+)\.", message)
    if refused is None:
        return message
    question, reason = refused.groups()
    if question == resources.QUESTION:
        # There are commands for it, and the sentence names the place.
        return reason if reason.endswith("?") else f"{reason}."
    return f"{reason} (to answer it: --set {question}=VALUE)."


def _limits(source: Source) -> Sequence[str]:
    """Say why a project cannot be updated, when it cannot."""
    if not source.is_repository:
        return [f"{source.location} is not a git repository, so the project cannot be updated."]
    if source.is_dirty:
        sentence = (
            f"{source.location} has changes that are not committed, so the project cannot be "
            "updated: commit them and make it again."
        )
        return [sentence]
    return []


def sentences(caught: Iterable[warnings.WarningMessage]) -> Iterator[str]:
    """Give Copier's warnings as text, but for what is said better elsewhere."""
    for warning in caught:
        if issubclass(warning.category, CopierWarning) and not issubclass(
            warning.category, DirtyLocalWarning
        ):
            yield _sentence(warning.message)


def _sentence(error: Exception | str) -> str:
    """Put a message on one line."""
    message = " ".join(str(error).split()) or type(error).__name__
    return message if message.endswith(".") else f"{message}."


def _reason(error: Exception) -> str:
    """Say why an operation failed, without the path that is named already."""
    strerror = getattr(error, "strerror", None)
    return (strerror or str(error) or type(error).__name__).rstrip(".")
