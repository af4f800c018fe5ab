"""Renders each file of a template once for each different reading of the answers.

Copier renders every file anew for every project. But most files look at a few answers only, and
what comes out is the same wherever these are the same. So what a file reads is noted while it is
rendered, and it is not rendered again where it would read the same.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Hashable, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeAlias

import pytest
from copier import _template
from copier._main import Worker, as_operation
from copier._types import Phase
from jinja2.runtime import Context
from jinja2.utils import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jinja2 import Environment

# Of Copier's, but not for others.
ask: Callable[[Worker], None] = vars(Worker)["_ask"]
render_context: Callable[[Worker], dict[str, Any]] = vars(Worker)["_render_context"]
render_path: Callable[[Worker, Path], Iterable[tuple[Path, dict[str, Any] | None]]] = vars(Worker)[
    "_render_path"
]

# What a rendering looks up: a variable, or an entry of one of those below.
Look: TypeAlias = tuple[str, ...]

# Variables of which files read single entries.
IN_PARTS = ("when", "_copier_conf")


@dataclass
class Step:
    """What a rendering looks up next, and how it goes on for each value that it has met."""

    look: Look
    then: dict[Hashable, Step | End] = field(default_factory=dict)


@dataclass(frozen=True)
class End:
    """What a rendering gives when it has looked up all that it does.

    Attributes:
        result: What it gives.
        looks: What it has looked up.
    """

    result: Any
    looks: tuple[Look, ...]


class Written(NamedTuple):
    """A file of a project.

    Attributes:
        content: What is in it.
        mode: Who may do what with it.
    """

    content: bytes
    mode: int


@dataclass(frozen=True)
class Project:
    """What a template writes.

    Attributes:
        directories: The directories, each behind those that it is in.
        files: The files, by their paths.
        looks: For each entry of the template what it looked up, in order.
        values: What was found, or what tells it apart from others.
    """

    directories: list[str]
    files: dict[str, Written]
    looks: dict[str, tuple[Look, ...]]
    values: dict[Look, Hashable]

    def write(self, destination: Path) -> None:
        """Write it into a new directory."""
        destination.mkdir(parents=True)
        for path in self.directories:
            (destination / path).mkdir(exist_ok=True)
        for path, (content, mode) in self.files.items():
            file = destination / path
            file.write_bytes(content)
            if stat.S_IMODE(file.stat().st_mode) != mode:
                file.chmod(mode)


class Part:
    """A variable of which single entries are read, and nothing else."""

    def __init__(self, name: str, context: Noting) -> None:
        self._name = name
        self._context = context

    def __getitem__(self, key: str) -> Any:
        """Note that an entry is read, and give it."""
        return self._context.note((self._name, key))


class Noting(Context):
    """A context of Jinja's that notes what is looked up of the variables of a project.

    Attributes:
        base: These variables.
        noted: What was looked up, with what tells apart what was found.
    """

    base: ClassVar[Mapping[str, Any]]
    noted: ClassVar[dict[Look, Hashable]]

    def __init__(self, environment: Environment, *arguments: Any, **named: Any) -> None:
        super().__init__(environment, *arguments, **named)
        # Copier forgets the `yield` in a name when it reads the next text, but not one that is
        # compiled.
        environment.preprocess("")

    def resolve_or_missing(self, key: str) -> Any:
        """Look up a variable."""
        value = super().resolve_or_missing(key)
        if value is not self.base.get(key, missing):
            # The file's own, or one that Jinja has for all.
            return value
        return Part(key, self) if key in IN_PARTS else self.note((key,))

    def note(self, look: Look) -> Any:
        """Note that something is looked up, and give it."""
        value = found(self.base, look)
        self.noted[look] = identity(value)
        return value


def found(variables: Mapping[str, Any], look: Look) -> Any:
    """Give what there is where a rendering looks."""
    value = variables.get(look[0], missing)
    return value[look[1]] if len(look) > 1 else value


def identity(value: Any) -> Hashable:
    """Give what two values share when they are the same for whoever reads them."""
    if value is None or isinstance(value, str | int | float):
        return (type(value).__name__, value)
    if isinstance(value, list | tuple):
        return tuple(map(identity, value))
    if isinstance(value, set | frozenset):
        return frozenset(map(identity, value))
    if isinstance(value, Mapping):
        return tuple((key, identity(value[key])) for key in value)
    if hasattr(value, "__dict__") and not callable(value):
        return (type(value).__qualname__, identity(vars(value)))
    return str(value)


@contextmanager
def without_git() -> Iterator[None]:
    """Have Copier take a template for one that git knows nothing of, and work a name out once."""
    answers_file = cached_property(vars(Worker)["answers_relpath"].fget)
    answers_file.__set_name__(Worker, "answers_relpath")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Worker, "answers_relpath", answers_file)
        patch.setattr(_template, "get_repo", lambda _: None)
        yield


class Forms:
    """The forms that the files of a template take.

    Args:
        template: The template, a directory without git.
    """

    def __init__(self, template: Path) -> None:
        self._template = template
        self._state: Hashable = None
        self._shared: dict[str, Any] = {}
        self._steps: dict[str, Step | End] = {}
        self._entries: list[tuple[Path, int]] = []

    def project(self, answers: Mapping[str, Any]) -> Project:
        """Give what the template writes for some answers, and the usual ones to the others."""
        state = tuple(state_of(self._template))
        if state != self._state:
            self._state, self._shared, self._steps, self._entries = state, {}, {}, []
        with (
            without_git(),
            Worker(
                src_path=str(self._template),
                # Nothing is written there, and nothing of a project may depend on where it is.
                dst_path=self._template / "project",
                data=dict(answers),
                defaults=True,
                quiet=True,
                unsafe=True,
            ) as worker,
        ):
            vars(worker).update(self._shared)
            with Phase.use(Phase.PROMPT):
                ask(worker)
            self._shared = {name: vars(worker)[name] for name in ("template", "jinja_env")}
            with Phase.use(Phase.RENDER):
                return self._render(worker)

    def _render(self, worker: Worker) -> Project:
        environment = worker.jinja_env
        usual = environment.context_class
        is_excluded = as_operation("copy")(lambda: worker.match_exclude)()
        # Copier asks for it for each part of each path, and alters variables to work it out.
        assert str(worker.answers_relpath)
        base = usual(environment, render_context(worker), None, {}).parent
        vars(worker)["_render_context"] = base.copy
        environment.context_class = Noting
        try:
            return self._write(worker, base, is_excluded)
        finally:
            environment.context_class = usual

    def _write(
        self, worker: Worker, base: Mapping[str, Any], is_excluded: Callable[[Path], bool]
    ) -> Project:
        root = worker.template_copy_root
        self._entries = self._entries or list(entries(root, Path()))
        project = Project([], {}, {}, {})
        for place, mode in self._entries:
            name = f"{place} is called"
            called = self._once(name, base, project.values, partial(paths, worker, place))
            looks = called.looks
            for target, more in called.result:
                if is_excluded(target):
                    continue
                if stat.S_ISDIR(mode):
                    project.directories.append(target.as_posix())
                    continue
                own = {**base, **more} if more else base
                values = project.values.copy() if more else project.values
                make = partial(rendered, worker, root / place, own)
                written = self._once(str(place), own, values, make)
                looks += written.looks
                project.files[target.as_posix()] = Written(written.result, stat.S_IMODE(mode))
            project.looks[str(place)] = looks
        return project

    def _once(
        self,
        name: str,
        variables: Mapping[str, Any],
        values: dict[Look, Hashable],
        make: Callable[[], Any],
    ) -> End:
        """Give what something is with some variables.

        Args:
            name: What it is.
            variables: The variables.
            values: What is known of them.
            make: Makes it.
        """
        step = self._steps.get(name)
        while isinstance(step, Step):
            if step.look not in values:
                values[step.look] = identity(found(variables, step.look))
            step = step.then.get(values[step.look])
        if step is None:
            Noting.base, Noting.noted = variables, {}
            result = make()
            step = End(result, tuple(Noting.noted))
            values |= Noting.noted
            self._keep(name, Noting.noted, step)
        return step

    def _keep(self, name: str, noted: Mapping[Look, Hashable], end: End) -> None:
        after: dict[Any, Step | End] = self._steps
        key: Hashable = name
        for look, value in noted.items():
            step = after.setdefault(key, Step(look))
            # It is the same for all that found the same so far: nothing else decides.
            assert isinstance(step, Step)
            assert step.look == look
            after, key = step.then, value
        after[key] = end


def paths(worker: Worker, place: Path) -> list[tuple[Path, dict[str, Any]]]:
    """Give what a place of a template is called in a project, with further variables of each."""
    return [(target, more or {}) for target, more in render_path(worker, place)]


def rendered(worker: Worker, path: Path, variables: Mapping[str, Any]) -> bytes:
    """Render a file; what is no text stays as it is."""
    name = path.relative_to(worker.template.local_abspath).as_posix()
    try:
        return worker.jinja_env.get_template(name).render(**variables).encode()
    except UnicodeDecodeError:
        return path.read_bytes()


def entries(directory: Path, place: Path) -> Iterator[tuple[Path, int]]:
    """List what is in a directory at a place of a template, each with its mode."""
    for entry in sorted(os.scandir(directory), key=lambda entry: entry.name):
        mode = entry.stat(follow_symlinks=False).st_mode
        yield place / entry.name, mode
        if stat.S_ISDIR(mode):
            yield from entries(Path(entry.path), place / entry.name)


def state_of(directory: Path) -> Iterator[Hashable]:
    """Give what differs when anything in a directory was changed."""
    for entry in os.scandir(directory):
        if entry.name == "__pycache__":
            continue
        if entry.is_dir():
            yield from state_of(Path(entry.path))
        else:
            about = entry.stat()
            yield entry.path, about.st_mtime_ns, about.st_size, about.st_mode
