"""The pages in a real browser: they work, by mouse and by keyboard, and they look right.

The browser is Debian's Chromium (packages chromium and chromium-driver). Pictures of the pages are
kept in .cache/screenshots, to be looked at.
"""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from browsers import SCREENSHOTS, chromium, needs_browser, needs_node, next_page
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from contract.probes import ENVIRONMENT, PASSWORD, USERNAME
from contract.services import FRAMEWORKS, run_in_production

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver.remote.webelement import WebElement

    from contract.services import Server, Services

SIZES = {"phone": (390, 844), "desktop": (1280, 800)}
SCHEMES = ("light", "dark")
ITEMS: tuple[dict[str, Any], ...] = (
    {"name": "Oak chair", "price": "49.90", "tags": ["oak", "kitchen"]},
    {"name": "Table lamp", "price": "5.00"},
    {"name": "Bücherregal für große Räume", "price": "1250.00", "tags": ["large", "white", "new"]},
    {"name": "W" * 100, "price": "99999999.99", "tags": ["x" * 30] * 3},
)


class Browser:
    """A browser that shows the pages of one service."""

    def __init__(self, driver: webdriver.Chrome, server: Server) -> None:
        self.driver = driver
        self._server = server

    def open(self, path: str = "/") -> None:
        """Go to a page."""
        self.driver.get(f"{self._server.url}{path}")

    def log_in(self) -> None:
        """Give the browser the credentials that it sends from now on, as a user does when asked."""
        credentials = f"{USERNAME}:{quote(PASSWORD)}@"
        self.driver.get(f"{self._server.url}/whoami".replace("://", f"://{credentials}"))

    def find(self, selector: str) -> WebElement:
        """Find one part of the page."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def focused(self) -> str:
        """Name the part of the page that has the focus."""
        element = self.driver.switch_to.active_element
        return element.get_attribute("id") or element.text

    def names(self) -> list[str]:
        """List the items that can be seen."""
        found = self.driver.find_elements(By.CSS_SELECTOR, ".items .name")
        return [element.text for element in found if element.is_displayed()]

    def press(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def look(self, size: str, scheme: str) -> None:
        """Show pages as they are on a screen of another size or with other colours."""
        width, height = SIZES[size]
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    def problems(self) -> list[str]:
        """Give what the browser has complained of since it was last asked."""
        logged = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        # Where it logs in is no page, which would name its icon.
        icon = f"{self._server.url}/favicon.ico "
        return [entry["message"] for entry in logged if not entry["message"].startswith(icon)]


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """Start a browser."""
    with chromium(tmp_path_factory.mktemp("browser")) as driver:
        yield driver


@pytest.fixture(params=FRAMEWORKS)
def framework(request: pytest.FixtureRequest) -> str:
    """Name each framework."""
    name: str = request.param
    return name


@pytest.fixture
def server(framework: str, services: Services, tmp_path: Path) -> Iterator[Server]:
    """Run a service that has no items."""
    service = services.make(tmp_path, framework)
    with run_in_production(service, ENVIRONMENT | {"MESSAGE": "Welcome to the shop"}) as server:
        yield server


@pytest.fixture
def browser(driver: webdriver.Chrome, server: Server) -> Iterator[Browser]:
    """Show the home page, with nothing of other tests left; no error must come up meanwhile."""
    driver.delete_all_cookies()
    browser = Browser(driver, server)
    browser.log_in()
    browser.look("desktop", "light")
    browser.open()
    yield browser
    assert browser.problems() == []
    assert "Traceback" not in server.log


def fill(server: Server) -> None:
    """Add the items that the pages are to show."""
    for item in ITEMS:
        header = {"Content-Type": "application/json"}
        answer = server.ask("POST", "/items", json.dumps(item), header)
        assert answer.status == 201, answer.body


def submit(browser: Browser, **fields: str) -> None:
    """Fill in the form and send it off with the mouse."""
    for name, text in fields.items():
        browser.find(f"#{name}").clear()
        browser.find(f"#{name}").send_keys(text)
    with next_page(browser.driver):
        browser.find("form button").click()


def expect_refusal(browser: Browser) -> None:
    """Take note of the one thing that the browser says of a form that is refused: its status."""
    (message,) = browser.problems()
    assert "422" in message


@needs_browser
def test_an_item_is_added_through_the_form(browser: Browser) -> None:
    assert browser.names() == []
    assert "no items yet" in browser.find("main").text

    submit(browser, name="Oak chair", price="49.9", tags="oak, kitchen")

    assert browser.names() == ["Oak chair"]
    assert browser.find(".items .price").text == "49.90"
    assert [tag.text for tag in browser.driver.find_elements(By.CSS_SELECTOR, ".tag")] == [
        "oak",
        "kitchen",
    ]
    assert browser.find("#name").get_attribute("value") == ""
    # The page was redirected to, so it can be loaded again without another item.
    browser.driver.refresh()
    assert browser.names() == ["Oak chair"]


@needs_browser
def test_errors_stand_beside_their_fields_and_the_first_has_the_focus(browser: Browser) -> None:
    submit(browser, name="", price="cheap", tags="oak")

    expect_refusal(browser)
    assert browser.focused() == "name"
    for name in ("name", "price"):
        field, hint = browser.find(f"#{name}"), browser.find(f"#{name}-hint")
        assert hint.text.startswith("Give a ")
        assert 0 <= hint.rect["y"] - field.rect["y"] - field.rect["height"] < 16
        assert hint.value_of_css_property("color") != browser.find(
            "#tags-hint"
        ).value_of_css_property("color")
    assert browser.find("#price").get_attribute("value") == "cheap"
    assert browser.find("#tags").get_attribute("value") == "oak"

    submit(browser, name="Oak chair")

    expect_refusal(browser)
    assert browser.focused() == "price"
    assert browser.find("#name").get_attribute("value") == "Oak chair"

    submit(browser, price="49.90")

    assert browser.names() == ["Oak chair"]


@needs_browser
def test_the_list_can_be_filtered(browser: Browser, server: Server) -> None:
    fill(server)
    browser.open()
    names = [item["name"] for item in ITEMS]
    assert browser.names() == names

    text = browser.find("#filter-text")
    text.send_keys("REGAL")
    assert browser.names() == [names[2]]
    text.clear()
    text.send_keys("kitchen")
    assert browser.names() == [names[0]]
    assert not browser.find("#no-match").is_displayed()
    text.send_keys("!")
    assert browser.names() == []
    assert browser.find("#no-match").is_displayed()
    text.send_keys(Keys.BACKSPACE * len("kitchen!"))
    assert browser.names() == names


@needs_browser
def test_the_keyboard_is_enough(browser: Browser) -> None:
    browser.press(Keys.TAB)
    skip = browser.find(".skip")
    assert browser.focused() == "Skip to the content"
    assert skip.rect["width"] > 20
    assert skip.value_of_css_property("clip-path") == "none"
    browser.press(Keys.ENTER, Keys.TAB)
    assert browser.focused() == "name"
    outline = browser.find("#name").value_of_css_property("outline-style")
    assert outline == "solid"

    browser.press("Oak chair", Keys.TAB, "49.90", Keys.TAB, "oak", Keys.TAB)
    assert browser.focused() == "Add item"
    with next_page(browser.driver):
        browser.press(Keys.ENTER)

    assert browser.names() == ["Oak chair"]
    browser.press(Keys.TAB, Keys.ENTER, Keys.TAB)
    assert browser.focused() == "filter-text"
    browser.press("lamp")
    assert browser.names() == []


@needs_browser
def test_everything_but_the_filter_works_without_scripts(browser: Browser, server: Server) -> None:
    fill(server)
    browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.open()
        assert not browser.find("#filter").is_displayed()
        submit(browser, name="Stool", price="12")
        assert browser.names()[-1] == "Stool"
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@needs_browser
@needs_node
def test_pages_fit_all_screens_and_are_accessible(
    browser: Browser, server: Server, framework: str, node_modules: Path
) -> None:
    axe = (node_modules / "axe-core" / "axe.min.js").read_text()
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    found = []
    for state in ("empty", "full", "refused"):
        if state == "full":
            fill(server)
        for size in SIZES:
            for scheme in SCHEMES:
                browser.look(size, scheme)
                browser.open()
                if state == "refused":
                    submit(browser, name="A chair", price="cheap", tags="x" * 31)
                    expect_refusal(browser)
                where = f"{framework}-{state}-{size}-{scheme}"
                browser.driver.save_screenshot(str(SCREENSHOTS / f"{where}.png"))
                found += [f"{where}: {problem}" for problem in layout_problems(browser)]
                browser.driver.execute_script(axe)
                report = browser.driver.execute_async_script("axe.run().then(arguments[0])")
                found += [
                    f"{where}: {problem['help']}: {node['html']}"
                    for problem in report["violations"]
                    for node in problem["nodes"]
                ]
    assert found == []


def layout_problems(browser: Browser) -> Iterator[str]:
    """Say what of a page cannot be seen without scrolling sideways."""
    script = """
        const width = document.documentElement.clientWidth;
        return [...document.querySelectorAll("body *:not(.skip)")]
            .filter(element => element.getBoundingClientRect().right > width + 1)
            .map(element => element.outerHTML.slice(0, 80));
    """
    for element in browser.driver.execute_script(script):
        yield f"too wide: {element}"


@needs_browser
@pytest.mark.parametrize("path", ["/docs", "/redoc"])
@pytest.mark.parametrize("hindrance", ["no internet", "no scripts"])
def test_the_documentation_says_what_it_needs(browser: Browser, path: str, hindrance: str) -> None:
    driver = browser.driver
    driver.execute_cdp_cmd("Network.enable", {})
    blocked = ["https://*"] if hindrance == "no internet" else []
    driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": blocked})
    no_scripts = hindrance == "no scripts"
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": no_scripts})
    try:
        browser.open(path)
        shown = browser.find("#documentation")
        assert shown.is_displayed()
        assert "needs JavaScript, and scripts from cdn.jsdelivr.net" in shown.text
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        driver.save_screenshot(str(SCREENSHOTS / f"{path[1:]}-{hindrance.replace(' ', '-')}.png"))
        browser.find("#documentation a").click()
        assert '"openapi":"3.1.0"' in browser.find("body").text.replace(" ", "")
    finally:
        driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
        # It complains of what it did not get.
        browser.problems()


@needs_node
def test_pages_are_valid_html(
    server: Server, framework: str, node_modules: Path, tmp_path: Path
) -> None:
    pages = {
        "empty": server.ask("GET", "/"),
        "refused": server.ask("POST", "/"),
    }
    fill(server)
    pages["full"] = server.ask("GET", "/")
    if framework == "flask":
        # FastAPI's pages of documentation are its own.
        pages |= {name: server.ask("GET", f"/{name}") for name in ("docs", "redoc")}
    for name, page in pages.items():
        (tmp_path / f"{name}.html").write_text(page.body.decode())

    validator = node_modules / "html-validate" / "bin" / "html-validate.mjs"
    done = subprocess.run(
        ["node", validator, "--preset", "standard", *(f"{name}.html" for name in pages)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "")
