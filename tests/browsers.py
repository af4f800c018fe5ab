"""The browser in which pages are tried: Debian's packages chromium and chromium-driver."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from contract.services import PATIENCE
from matrix.plugin import ROOT
from selenium import webdriver
from selenium.webdriver.support.wait import WebDriverWait

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Pictures of the pages, to be looked at.
SCREENSHOTS = ROOT / ".cache" / "screenshots"

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
needs_browser = pytest.mark.skipif(
    not BROWSER or not DRIVER,
    reason="Chromium and its driver are not installed (Debian: chromium and chromium-driver).",
)
needs_node = pytest.mark.skipif(
    not shutil.which("npm"), reason="Node.js with npm is not installed."
)


@contextmanager
def chromium(profile: Path, *arguments: str) -> Iterator[webdriver.Chrome]:
    """Start a browser that keeps what it has to in a directory."""
    assert BROWSER
    assert DRIVER
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for argument in ("--headless=new", f"--user-data-dir={profile}", *arguments):
        options.add_argument(argument)
    if os.geteuid() == 0:
        # The sandbox does not work for the superuser.
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"browser": "WARNING"})
    with webdriver.Chrome(options, webdriver.ChromeService(DRIVER)) as driver:
        yield driver


@contextmanager
def next_page(driver: webdriver.Chrome) -> Iterator[None]:
    """Wait at the end of the block until another page has come and is whole."""
    driver.execute_script("window.isLast = true")
    yield
    WebDriverWait(driver, PATIENCE, 0.02).until(
        lambda driver: driver.execute_script(
            "return !window.isLast && document.readyState === 'complete'"
        )
    )
