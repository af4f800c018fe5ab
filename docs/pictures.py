"""Makes the README's pictures from the real thing: `uv run python docs/pictures.py`.

It needs chromium and its driver. Nothing in the pictures is drawn by hand: a terminal session is
what the commands printed, a page is what a browser showed.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

from rich.console import Console
from rich.text import Text
from selenium import webdriver

ROOT = Path(__file__).resolve().parents[1]
PICTURES = Path(__file__).with_name("pictures")
COLUMNS = 92

# What the session shows; of long outputs so many lines.
SESSION = [
    ("servicewright new orders --defaults", 30),
    ("cd orders", 0),
    ("git init --quiet && git add . && git commit --quiet -m 'Start Orders'", 0),
    ("servicewright set framework=flask | grep changed", 1),
    ("uv run --quiet pytest --quiet | tail -1", 1),
]
ITEMS = [("Oak table", "1250.00"), ("Chair", "49.90"), ("Shelf", "120.00")]
PORT = 8731


def shell(command: str, directory: Path, path: Path) -> str:
    """Run a command as in a terminal with colours, and give what it prints."""
    done = subprocess.run(  # noqa: S602 - as a person types it
        command,
        shell=True,
        cwd=directory,
        env={
            **{name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"},
            "PATH": f"{path}{os.pathsep}{os.environ['PATH']}",
            "COLUMNS": str(COLUMNS),
            "FORCE_COLOR": "1",
            # Nobody's own name.
            "GIT_CONFIG_GLOBAL": str(path.parents[1] / "gitconfig"),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    return done.stdout


def record(directory: Path, path: Path) -> None:
    """Make the picture of the session."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    for command, lines in SESSION:
        console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
        if command.startswith("cd "):
            directory /= command.removeprefix("cd ")
            continue
        printed = shell(command, directory, path).rstrip().splitlines()
        for line in printed[:lines]:
            console.print(Text.from_ansi(line))
        if len(printed) > lines > 0:
            console.print(Text("…", "dim"))
        if lines:
            console.print()
    svg = console.export_svg(title="servicewright")
    # Fonts of another site: a picture asks nobody for anything.
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    (PICTURES / "session.svg").write_text(re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE))


def browse(address: str, name: str, width: int, height: int) -> None:
    """Make a picture of what a browser shows."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        sys.exit("Error: there is no chromium with its driver: install both.")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in ("--headless=new", "--no-sandbox", "--hide-scrollbars"):
        options.add_argument(argument)
    with webdriver.Chrome(options, webdriver.ChromeService(driver)) as page:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        page.get(address)
        page.save_screenshot(str(PICTURES / name))


def photograph_builder(path: Path) -> None:
    """Make the picture of the builder when an answer was given."""
    program = [str(path / "servicewright"), "builder", "--no-browser", "--port", "0"]
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": str(path.parents[1] / "gitconfig")}
    with subprocess.Popen(
        program, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        try:
            assert server.stdout  # noqa: S101 - it is a pipe
            address = server.stdout.readline().split()[4]
            answers = urlencode({"project_name": "Orders", "auth": "basic"})
            file = "src/orders/routes/items.py"
            shown = urlencode({"before": "project_name=Orders", "file": file})
            browse(f"{address}?{answers}&{shown}#question-database", "builder.png", 1280, 800)
        finally:
            server.terminate()


def photograph(directory: Path, path: Path) -> None:
    """Make the picture of a service's page with some items."""
    shell("servicewright new shop --defaults --set pages=yes", directory, path)
    project = directory / "shop"
    shell("uv sync --quiet", project, path)
    program = [str(project / ".venv" / "bin" / "uvicorn"), "shop.main:app", "--port", str(PORT)]
    with subprocess.Popen(program, cwd=project, stderr=subprocess.DEVNULL) as server:
        try:
            address = f"http://127.0.0.1:{PORT}"
            deadline = time.monotonic() + 60
            for name, price in ITEMS:
                body = json.dumps({"name": name, "price": price, "tags": ["oak"]}).encode()
                request = urllib.request.Request(  # noqa: S310 - our own
                    f"{address}/items", body, {"Content-Type": "application/json"}
                )
                while True:
                    try:
                        urllib.request.urlopen(request, timeout=10).close()  # noqa: S310 - our own
                        break
                    except OSError:
                        if time.monotonic() > deadline:
                            raise
                        time.sleep(0.5)
            browse(address, "page.png", 900, 640)
        finally:
            server.terminate()


def main() -> None:
    """Make all pictures."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "gitconfig").write_text("[user]\nname = Ada\nemail = ada@example.com\n")
        # The package, as somebody installs it who has no clone.
        environment = directory / "environment"
        for command in (
            ["uv", "build", "--quiet", "--wheel", "--out-dir", str(directory), str(ROOT)],
            ["uv", "venv", "--quiet", str(environment)],
            ["uv", "pip", "install", "--quiet", "--python", str(environment)],
        ):
            packages = directory.glob("*.whl") if "pip" in command else ()
            wheels = [f"{package}[builder]" for package in packages]
            subprocess.run([*command, *wheels], check=True)
        path = environment / "bin"
        record(directory, path)
        photograph(directory, path)
        photograph_builder(path)


if __name__ == "__main__":
    main()
