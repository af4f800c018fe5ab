"""What a generated service costs when it serves, against one written by hand, and by feature.

The hand-written applications in handwritten/ have the same routes and nothing around them: no
time in the answers, no CORS, no limit for bodies, no JSON errors, no migrations, no settings. Both
run in the environment of the generated service, under its server with its settings and one
process. Each round starts both anew and asks them by turns, a second each; a ratio is the median of
those of all such pairs. It takes ten to fifteen minutes, and needs wrk and Linux:

    uv run --group benchmarks python benchmarks/serving.py
    uv run --group benchmarks python benchmarks/serving.py --features
"""

from __future__ import annotations

import argparse
import re
import statistics
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from results import Bars, Table, ratio, save
from services import FRAMEWORKS, ROOT, TITLES, Server, Service, generate, need, run, served

ALL = {
    "pages": "true",
    "background_tasks": "in_process",
    "database": "sqlite",
    "auth": "basic",
    "cors": "true",
}
NONE = {
    "settings": "false",
    "pages": "false",
    "background_tasks": "none",
    "database": "none",
    "auth": "none",
    "cors": "false",
    "modular": "false",
}
FEATURES = {
    "settings": {"settings": "true"},
    "pages": {"pages": "true"},
    "background tasks": {"background_tasks": "in_process"},
    "SQLite": {"database": "sqlite"},
    "HTTP Basic": {"auth": "basic"},
    "CORS": {"cors": "true"},
    "modular": {"modular": "true"},
}
PATHS = ("/health", "/items")
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass
class Load:
    """What a server did under load: requests per second, and milliseconds of the answers."""

    rate: float
    p50: float
    p99: float


def load(server: Server, path: str, seconds: int = 1) -> Load:
    """Ask a server as fast as it answers, over 16 connections."""
    output = run(
        *("wrk", "--threads=1", "--connections=16", f"--duration={seconds}s", "--latency"),
        f"http://127.0.0.1:{server.port}{path}",
    )
    if "Non-2xx" in output or "Socket errors" in output:
        raise SystemExit(f"Requests failed:\n{output}")
    rate = re.search(r"Requests/sec:\s*([\d.]+)", output)
    times = re.findall(r"(?:50|99)%\s+([\d.]+)([mu]?s)", output)
    if rate is None or len(times) != 2:
        raise SystemExit(f"wrk did not say what was asked:\n{output}")
    return Load(float(rate[1]), *(float(number) * UNITS[unit] for number, unit in times))


def fill(server: Server, count: int = 20) -> None:
    """Store items, so that there is a page of them."""
    for number in range(count):
        item = {"name": f"Chair {number}", "price": "49.90", "tags": ["oak", "new"]}
        status, answer = server.ask("POST", "/items", item)
        if status != 201:
            raise SystemExit(f"An item was answered with {status}: {answer}")


def services(framework: str, directory: Path) -> tuple[Service, Service]:
    """Give the generated service and the hand-written one, in the same environment."""
    project = directory / framework
    by_hand = ROOT / "benchmarks" / "handwritten"
    return (
        Service("generated", project),
        Service("hand-written", project, f"{framework}_service:app", by_hand),
    )


def compare(framework: str, directory: Path, options: argparse.Namespace) -> list[list[str]]:
    """Compare the generated service with all features to the hand-written one."""
    generate(directory / framework, {**ALL, "framework": framework})
    both = services(framework, directory)
    loads: dict[str, list[list[Load]]] = {path: [[], []] for path in PATHS}
    for number in range(options.rounds):
        # New processes in each round, since two of the same service differ as well.
        with served(both[0]) as ours, served(both[1]) as theirs:
            servers = ours, theirs
            if not number:
                for server in servers:
                    fill(server)
            for path in PATHS:
                for second in range(options.seconds + 1):
                    # Whoever comes first comes second the next time.
                    for which in (0, 1) if second % 2 else (1, 0):
                        measured = load(servers[which], path)
                        if second:  # the first one warms up
                            loads[path][which].append(measured)
    rows: list[list[str]] = []
    for path in PATHS:
        for service, seconds in zip(both, loads[path], strict=True):
            rows.append(
                [
                    f"{TITLES[framework]}, `{path}`, {service.name}",
                    f"{statistics.median(each.rate for each in seconds):,.0f}",
                    f"{statistics.median(each.p50 for each in seconds):.1f}",
                    f"{statistics.median(each.p99 for each in seconds):.1f}",
                    "",
                ]
            )
        rates = [[each.rate for each in seconds] for seconds in loads[path]]
        rows[-2][-1] = f"{ratio(*rates):.2f}"
    return rows


def startup(framework: str, directory: Path, options: argparse.Namespace) -> list[list[str]]:
    """Compare the start and the memory of both, and of a service whose tables were made before."""
    generated, by_hand = services(framework, directory)
    # As compose.yaml runs it, after a job of its own has migrated.
    deployed = replace(generated, variables={"MIGRATE_ON_START": "false"})
    contestants = {
        "generated, the tables made before": deployed,
        "generated": generated,
        "hand-written": by_hand,
    }
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    memory: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(options.starts + 1):
        for name in list(contestants) if number % 2 else reversed(contestants):
            with served(contestants[name]) as server:
                if number:
                    seconds[name].append(server.seconds)
                    memory[name].append(server.memory())
    rows = [
        [
            f"{TITLES[framework]}, {name}",
            f"{statistics.median(seconds[name]):.2f}",
            f"{statistics.median(memory[name]):.0f}",
            f"{ratio(seconds[name], seconds['hand-written']):.2f}",
        ]
        for name in contestants
    ]
    rows[-1][-1] = ""
    return rows


def features(framework: str, directory: Path, options: argparse.Namespace) -> list[list[str]]:
    """Measure what each feature adds to a service without any."""
    variants = {
        "none": {},
        **FEATURES,
        "all of them": {**ALL, "settings": "true", "modular": "true"},
    }
    made = {
        name: Service(
            "alone",
            generate(
                directory / f"{framework}-{number}", {**NONE, **answers, "framework": framework}
            ),
        )
        for number, (name, answers) in enumerate(variants.items())
    }
    rates: dict[str, list[float]] = {name: [] for name in made}
    seconds: dict[str, list[float]] = {name: [] for name in made}
    memory: dict[str, list[float]] = {name: [] for name in made}
    for number in range(options.rounds + 1):
        for name, service in made.items():
            with served(service) as server:
                if number:
                    seconds[name].append(server.seconds)
                    memory[name].append(server.memory())
                    rates[name].append(load(server, "/health", options.seconds).rate)
    return [
        [
            f"{TITLES[framework]}, {name}",
            f"{1e6 / statistics.median(rates[name]):.0f}",
            f"{ratio(rates[name], rates['none']):.2f}",
            f"{statistics.median(seconds[name]):.2f}",
            f"{statistics.median(memory[name]):.0f}",
        ]
        for name in made
    ]


def main() -> None:
    """Measure, and write the tables and the plots."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--features", action="store_true", help="the cost of each feature instead")
    parser.add_argument("--rounds", type=int, default=10, metavar="N")
    parser.add_argument("--starts", type=int, default=10, metavar="N")
    parser.add_argument("--seconds", type=int, default=4, help="of load of each in each round")
    parser.add_argument("--framework", choices=FRAMEWORKS, action="append")
    options = parser.parse_args()
    frameworks = options.framework or FRAMEWORKS
    need("wrk", "uv")
    with tempfile.TemporaryDirectory(prefix="servicewright-benchmark-") as name:
        directory = Path(name).resolve()
        if options.features:
            rows = [row for each in frameworks for row in features(each, directory, options)]
            head = ["service with", "µs a request", "rate", "start, s", "memory, MB"]
            save(
                "features",
                [Table("What each feature costs", head, rows)],
                [
                    Bars("Microseconds of a request", [(row[0], row[1]) for row in rows], "Flask"),
                    Bars("Memory, MB", [(row[0], row[4]) for row in rows], "Flask"),
                ],
            )
            return
        rates = [row for each in frameworks for row in compare(each, directory, options)]
        starts = [row for each in frameworks for row in startup(each, directory, options)]
    save(
        "serving",
        [
            Table(
                "Requests, all features on",
                ["service", "requests/s", "p50, ms", "p99, ms", "ratio"],
                rates,
            ),
            Table("Start and memory", ["service", "start, s", "memory, MB", "ratio"], starts),
        ],
        [
            Bars("Requests per second", [(row[0], row[1]) for row in rates], "generated"),
            Bars("Seconds to the first answer", [(row[0], row[1]) for row in starts], "generated"),
        ],
    )


if __name__ == "__main__":
    main()
