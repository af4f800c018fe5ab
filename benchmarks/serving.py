"""What a generated service costs when it serves, against one written by hand, and by feature.

The hand-written applications in handwritten/ have the same routes, and do the same things around
them: CORS, an id and the time in the answers, a log, errors in JSON, a limit for bodies, one
transaction a request. Both run in the environment of the generated service, under its server with
its settings and one process. Each round starts all four anew and asks them by turns, a second each
over 16 connections and four over 100; a ratio is the median of those of all such turns. Processor
time is the server's own, and says more than the rate where the machine does other things too. It
takes a quarter of an hour, and needs wrk, Linux and a machine that does nothing else:

    uv run --group benchmarks python benchmarks/serving.py
    uv run --group benchmarks python benchmarks/serving.py --features
"""

from __future__ import annotations

import re
import statistics
import tempfile
import time
from argparse import ArgumentParser
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from results import Bars, Table, ratio, save
from services import BASIC, FRAMEWORKS, ROOT, TITLES, Server, Service, generate, need, run, served

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

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
# A method, a path and a number of connections.
REQUESTS = tuple(
    (method, path, connections)
    for connections in (16, 100)
    for method, path in (("GET", "/health"), ("GET", "/items"), ("POST", "/items"))
)
# Has wrk create items.
CREATE = """
wrk.method = "POST"
wrk.headers["Authorization"] = "Basic YmVuY2htYXJrOmJlbmNobWFyaw=="
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"name": "Chair", "price": "49.90", "tags": ["oak", "new"]}'
"""
# Seconds of a turn. What wrk leaves unanswered at its end is no small part of a short one.
TURNS = {16: 1, 100: 4}
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass
class Load:
    """What a server did under load.

    Attributes:
        rate: Requests per second.
        p99: Milliseconds within which 99 of 100 were answered.
        processor: Microseconds of processor time that each took.
    """

    rate: float
    p99: float
    processor: float


def load(  # noqa: PLR0913 - what a request is
    server: Server,
    path: str,
    seconds: int = 1,
    method: str = "GET",
    connections: int = 16,
    *,
    headers: Sequence[str] = (),
) -> Load:
    """Ask a server as fast as it answers."""
    before = server.processor_time()
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(CREATE if method == "POST" else "")
        script.flush()
        output = run(
            *("wrk", "--threads=1", f"--connections={connections}", f"--duration={seconds}s"),
            *("--latency", "--timeout=20s", f"--script={script.name}"),
            *(f"--header={header}" for header in headers),
            f"http://127.0.0.1:{server.port}{path}",
        )
    if "Non-2xx" in output or "Socket errors" in output:
        raise SystemExit(f"Requests failed:\n{output}")
    # What was on its way when wrk ended is answered, too.
    time.sleep(0.2)
    used = server.processor_time() - before
    count = re.search(r"(\d+) requests in", output)
    rate = re.search(r"Requests/sec:\s*([\d.]+)", output)
    slow = re.search(r"99%\s+([\d.]+)([mu]?s)", output)
    if count is None or rate is None or slow is None:
        raise SystemExit(f"wrk did not say what was asked:\n{output}")
    # wrk counts no request that it did not wait for: as many as there are connections.
    answered = int(count[1]) + connections
    return Load(float(rate[1]), float(slow[1]) * UNITS[slow[2]], 1e6 * used / answered)


def fill(server: Server, count: int = 20, authorization: str = BASIC) -> None:
    """Store items, so that there is a page of them."""
    for number in range(count):
        item = {"name": f"Chair {number}", "price": "49.90", "tags": ["oak", "new"]}
        status, answer = server.ask("POST", "/items", item, authorization)
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


def compare(frameworks: Sequence[str], directory: Path, options: Namespace) -> list[list[str]]:
    """Compare the generated services with all features to hand-written ones, and to each other."""
    contestants = {}
    for framework in frameworks:
        generate(directory / framework, {**ALL, "framework": framework})
        for service in services(framework, directory):
            contestants[framework, service.name] = service
    loads: dict[tuple[str, str, int], dict[tuple[str, str], list[Load]]] = {
        request: {name: [] for name in contestants} for request in REQUESTS
    }
    for number in range(options.rounds):
        # New processes in each round, since two of the same service differ as well.
        with ExitStack() as stack:
            servers = {
                name: stack.enter_context(served(service)) for name, service in contestants.items()
            }
            if not number:
                for server in servers.values():
                    fill(server)
            for method, path, connections in REQUESTS:
                for turn in range(options.turns + 1):
                    # Whoever comes first comes last the next time.
                    for name in list(servers) if turn % 2 else reversed(servers):
                        seconds = TURNS[connections]
                        measured = load(servers[name], path, seconds, method, connections)
                        if turn:  # the first one warms up
                            loads[method, path, connections][name].append(measured)
    return [row_of(request, name, loads) for request in loads for name in contestants]


def row_of(
    request: tuple[str, str, int],
    name: tuple[str, str],
    loads: dict[tuple[str, str, int], dict[tuple[str, str], list[Load]]],
) -> list[str]:
    """Write what one of the services did."""
    method, path, connections = request
    framework, kind = name
    measured = loads[request]
    own = measured[name]

    def processor(other: list[Load]) -> str:
        return f"{ratio([each.processor for each in own], [each.processor for each in other]):.2f}"

    def rate(other: list[Load]) -> str:
        return f"{ratio([each.rate for each in own], [each.rate for each in other]):.2f}"

    flask = measured.get(("flask", kind), [])
    return [
        f"{TITLES[framework]}, `{method} {path}`, {connections} clients, {kind}",
        f"{statistics.median(each.rate for each in own):,.0f}",
        rate(loads[method, path, REQUESTS[0][2]][name]),
        rate(flask) if flask else "",
        f"{statistics.median(each.p99 for each in own):.0f}",
        f"{statistics.median(each.processor for each in own):.0f}",
        processor(measured[framework, "hand-written"]),
        processor(flask) if flask else "",
    ]


def startup(framework: str, directory: Path, options: Namespace) -> list[list[str]]:
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


def features(framework: str, directory: Path, options: Namespace) -> list[list[str]]:
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
                    rates[name].append(load(server, "/health", options.turns).rate)
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
    parser = ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--features", action="store_true", help="the cost of each feature instead")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--starts", type=int, default=6, metavar="N")
    parser.add_argument("--turns", type=int, default=3, help="of load of each in each round")
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
        rates = compare(frameworks, directory, options)
        starts = [row for each in frameworks for row in startup(each, directory, options)]
    save(
        "serving",
        [
            Table(
                "Requests, all features on",
                [
                    "service",
                    "requests/s",
                    "to 16 clients",
                    "to Flask",
                    "p99, ms",
                    "processor, µs",
                    "to hand-written",
                    "to Flask",
                ],
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
