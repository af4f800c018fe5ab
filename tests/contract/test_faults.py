"""The generated tests bite: a service with a fault fails its own suite.

Without the fault the same files of the suite pass, so it is the fault that they notice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from contract.faults import FAULTS, Fault
from contract.faults_workers import WORKER_FAULTS
from contract.services import FRAMEWORKS, change

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matrix.suites import Result, Runner

    from contract.services import Service, Services

EVERY = (*FAULTS, *WORKER_FAULTS)
CASES = [(fault, framework) for fault in EVERY for framework in fault.frameworks]
# Each kind of service that is given faults, with these.
KINDS: dict[tuple[str, tuple[tuple[str, object], ...]], list[Fault]] = {}
for fault, framework in CASES:
    KINDS.setdefault((framework, tuple(fault.answers.items())), []).append(fault)
each_kind = pytest.mark.parametrize(
    "kind", KINDS, ids=[f"{framework}-{number}" for number, (framework, _) in enumerate(KINDS)]
)


def place(fault: Fault, service: Service) -> Path:
    """Give the file in which a fault is put."""
    directory = service.path if fault.file.startswith("/") else service.source
    return directory / fault.file.lstrip("/")


def run(runner: Runner, service: Service, tests: Sequence[str]) -> Result:
    """Run some files of a service's suite until the first test fails."""
    return runner.run(
        service.path,
        service.environment,
        arguments=["--exitfirst", *(f"tests/{test}" for test in tests)],
    )


@each_kind
def test_every_fault_can_be_put_in(
    kind: tuple[str, tuple[tuple[str, object], ...]], services: Services, tmp_path: Path
) -> None:
    framework, answers = kind
    service = services.make(tmp_path, framework, **dict(answers))

    for fault in KINDS[kind]:
        file = place(fault, service)
        before = file.read_text()
        change(file, fault.old, fault.new)
        file.write_text(before)
        assert all((service.path / "tests" / test).is_file() for test in fault.tests)


# The other tests are about the generated tests, not about the service: CI has the time for them.
@pytest.mark.thorough
@each_kind
def test_without_a_fault_the_suite_passes(
    kind: tuple[str, tuple[tuple[str, object], ...]],
    services: Services,
    runner: Runner,
    tmp_path: Path,
) -> None:
    framework, answers = kind
    tests = sorted({test for fault in KINDS[kind] for test in fault.tests})

    result = run(runner, services.make(tmp_path, framework, **dict(answers)), tests)

    assert result.problems == [], result.log


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("fault", "framework"), CASES, ids=[f"{framework}: {fault.name}" for fault, framework in CASES]
)
def test_a_fault_fails_the_suite(
    fault: Fault, framework: str, services: Services, runner: Runner, tmp_path: Path
) -> None:
    service = services.make(tmp_path, framework, **fault.answers)
    change(place(fault, service), fault.old, fault.new)

    result = run(runner, service, fault.tests)

    assert result.problems, f"The suite does not notice that {fault.name}.\n{result.log}"
    # The fault must fail tests, not keep them from running.
    assert result.tests or " failed" in result.log or " passed" in result.log, result.log


def test_there_are_enough_faults_for_each_framework() -> None:
    for framework in FRAMEWORKS:
        assert len([fault for fault, of in CASES if of == framework]) >= 30
