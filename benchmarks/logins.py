"""What it costs to know who asks: ``GET /items`` for users, against the same for anybody.

Of each service there are two, of which one asks for a login before it lists the items, by the line
that its README names. Both are asked by turns, a second each; a ratio is the median of those of all
turns, of the processor time that the server takes for a request. It takes ten minutes, and needs
wrk, Linux and a machine that does nothing else:

    uv run --group benchmarks python benchmarks/logins.py
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import tempfile
from argparse import ArgumentParser
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from results import Bars, Table, ratio, save
from services import BASIC, FRAMEWORKS, TITLES, Service, generate, need, run, served
from serving import ALL, fill, load

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

LOGINS = {"basic": "HTTP Basic", "jwt": "JWT", "oidc": "OpenID Connect"}
SECRET = "a secret of the benchmark that is long enough for every algorithm"  # noqa: S105
PROTECTED = {
    "fastapi": ('@items_router.get("")', '@items_router.get("", dependencies=[LoginRequired])'),
    "flask": ('@items_blueprint.get("")', '@items_blueprint.get("")\n@login_required'),
}
TOKEN = f"""
from service.tokens import Account, Tokens
print(Tokens("{SECRET}", 3600).issue(Account(id=1, username="ada", roles=[])))
"""
# The issuer that the service's own tests have.
ISSUER = """
import sys
sys.path.append("tests")
from bearers import AUDIENCE, ISSUER
print(ISSUER.url, ISSUER.token(), AUDIENCE, sep="\\n", flush=True)
sys.stdin.read()
"""


@contextmanager
def credentials(auth: str, project: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Give the header of a user, and the variables of a service that knows the user by it."""
    python = str(project / ".venv" / "bin" / "python")
    if auth == "basic":
        yield BASIC, {}
    elif auth == "jwt":
        token = run(python, "-c", TOKEN, cwd=project / "src").strip()
        yield f"Bearer {token}", {"TOKEN_SECRETS": SECRET}
    else:
        command = [python, "-c", ISSUER]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, cwd=project, stdin=pipe, stdout=pipe, text=True) as issuer:
            if issuer.stdin is None or issuer.stdout is None:
                raise SystemExit("The issuer has not started.")
            url, token, audience = (issuer.stdout.readline().strip() for _ in range(3))
            variables = {
                "OIDC_ISSUER": url,
                "OIDC_AUDIENCE": audience,
                "OIDC_CLIENT_ID": audience,
                "LOGIN_SECRET": SECRET,
            }
            yield f"Bearer {token}", variables
            issuer.stdin.close()


def protect(project: Path, framework: str) -> Path:
    """Copy the package of a service, and let it list the items to users only."""
    source = project.with_name(f"{project.name}-protected")
    shutil.copytree(project / "src", source)
    file = source / "service" / "routes" / "items.py"
    text = file.read_text()
    old, new = PROTECTED[framework]
    if text.count(old) != 1:
        raise SystemExit(f"{old} does not stand once in {file}")
    file.write_text(text.replace(old, new))
    return source


def compare(framework: str, auth: str, directory: Path, options: Namespace) -> list[str]:
    """Measure one kind of logins."""
    answers = {**ALL, "auth": auth, "framework": framework}
    project = generate(directory / f"{framework}-{auth}", answers)
    with ExitStack() as stack:
        header, variables = stack.enter_context(credentials(auth, project))
        asked: dict[str, tuple[Path, tuple[str, ...]]] = {
            "open": (project / "src", ()),
            "protected": (protect(project, framework), (f"Authorization: {header}",)),
        }
        used: dict[str, list[float]] = {name: [] for name in asked}
        for number in range(options.rounds):
            with ExitStack() as servers:
                running = {
                    name: servers.enter_context(
                        served(Service(name, project, path=path, variables=variables))
                    )
                    for name, (path, _) in asked.items()
                }
                if not number:
                    for server in running.values():
                        fill(server, authorization=header)
                for second in range(options.seconds + 1):
                    for name in list(running) if second % 2 else reversed(running):
                        measured = load(running[name], "/items", headers=asked[name][1])
                        if second:  # the first one warms up
                            used[name].append(measured.processor)
    return [
        f"{TITLES[framework]}, {LOGINS[auth]}",
        f"{statistics.median(used['open']):.0f}",
        f"{statistics.median(used['protected']):.0f}",
        f"{ratio(used['protected'], used['open']):.2f}",
    ]


def main() -> None:
    """Measure, and write the table and the plot."""
    parser = ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=4, metavar="N")
    parser.add_argument("--seconds", type=int, default=4, help="of load of each in each round")
    options = parser.parse_args()
    need("wrk", "uv")
    with tempfile.TemporaryDirectory(prefix="servicewright-benchmark-") as name:
        directory = Path(name).resolve()
        rows = [
            compare(framework, auth, directory, options)
            for framework in FRAMEWORKS
            for auth in LOGINS
        ]
    head = ["service with", "anybody, µs", "a user, µs", "ratio"]
    save(
        "logins",
        [Table("Processor time of `GET /items`", head, rows)],
        [Bars("A user's request to anybody's", [(row[0], row[3]) for row in rows], "Flask")],
    )


if __name__ == "__main__":
    main()
