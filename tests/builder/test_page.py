"""The builder's page in a real browser: it works, by mouse and by keyboard, and it looks right.

Pictures of it are kept in .cache/screenshots, to be looked at.
"""

from __future__ import annotations

import io
import subprocess
import urllib.request
import zipfile
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from browsers import SCREENSHOTS, chromium, needs_browser, needs_node
from contract.test_browser import SCHEMES
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from servicewright import projects, questions, templates

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver.remote.webelement import WebElement

    from servicewright.questions import Answer

pytestmark = [pytest.mark.thorough, needs_browser]

WIDTHS = {320: 700, 768: 1024, 1280: 900, 1920: 1080}
PATIENCE = 30
RESOURCE = '- "bottle(label: text(80) searched, litres: number)"'


class Page:
    """The page, as somebody uses it."""

    def __init__(self, driver: webdriver.Chrome, address: str) -> None:
        self.driver = driver
        self.address = address
        self.open()

    def open(self, query: str = "") -> None:
        """Go to the page."""
        self.driver.get(f"{self.address}{query}")

    def find(self, selector: str) -> WebElement:
        """Find one part of the page."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def value(self, name: str) -> str:
        """Give the answer to a question, as the form has it."""
        value = self.driver.execute_script(
            "return document.getElementById('answers').elements[arguments[0]].value", name
        )
        assert isinstance(value, str)
        return value

    def wait(self, condition: str) -> None:
        """Wait until a condition holds in the page."""
        WebDriverWait(self.driver, PATIENCE, 0.02).until(
            lambda driver: driver.execute_script(f"return {condition}")
        )

    def choose(self, name: str, answer: str) -> None:
        """Choose an answer, and wait until the page shows what it makes."""
        before = self.find("#link").get_attribute("value")
        choice = self.find(f'[name="{name}"][value="{answer}"]')
        # As far down as it can be, the driver would put it: below the buttons.
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", choice)
        choice.click()
        self.wait(f"document.getElementById('link').value !== {before!r}")

    def write(self, name: str, text: str) -> None:
        """Write a text in the place of another."""
        field = self.find(f'[name="{name}"]')
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(text)

    def files(self) -> set[str]:
        """List the files of the tree that are there."""
        found: list[str] = self.driver.execute_script(
            "return [...document.querySelectorAll('.tree [data-file]:not(.gone)')]"
            ".map((link) => link.dataset.file)"
        )
        return set(found)


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """Start a browser."""
    profile = tmp_path_factory.mktemp("browser")
    with chromium(profile, "--window-size=1280,900") as driver:
        yield driver


@pytest.fixture
def page(driver: webdriver.Chrome, address: str) -> Iterator[Page]:
    """Open the page, and see that the browser has nothing to complain of in the end."""
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    yield Page(driver, address)
    assert driver.get_log("browser") == []  # type: ignore[no-untyped-call]


def test_every_answer_is_shown(page: Page) -> None:
    with templates.directory() as root:
        asked = [question for question in questions.read(root) if not question.is_record]
        presets = questions.presets(questions.load(root))
    # Some questions are only asked with certain answers to others: all are with this preset.
    everything = questions.preset(presets, "everything").answers
    query = {name: questions.word(answer) for name, answer in everything.items()}
    page.open(f"?{urlencode(query)}")
    assert not page.driver.find_elements("name", "migrated")
    for question in asked:
        if question.answers is None:
            continue
        at_first = page.value(question.name)
        others = [questions.word(answer) for answer in question.answers]
        for answer in (*(other for other in others if other != at_first), at_first):
            page.choose(question.name, answer)
            assert page.value(question.name) == answer
            assert "the last answer made " in page.find("#summary").text
            # Nothing but what was chosen is among the changes.
            assert page.find(f'[name="{question.name}"]:checked').get_attribute("value") == answer
    for name, text in (("project_name", "Bücher"), ("author_name", "Zoë"), ("description", "It.")):
        page.write(name, text)
        page.wait(f"new URL(location).searchParams.get('{name}') === '{text}'")
    assert page.value("package_name") == "bucher"

    link = page.find("#link").get_attribute("value")
    assert link
    answers = {name: page.value(name) for name in (question.name for question in asked)}
    page.open()
    assert page.value("project_name") != "Bücher"
    page.driver.get(link)
    assert {name: page.value(name) for name in answers} == answers


def test_what_is_downloaded_is_what_copier_writes(page: Page, tmp_path: Path) -> None:
    page.choose("framework", "flask")
    page.choose("pages", "yes")
    page.write("resources", RESOURCE)
    page.wait("document.querySelector('[data-file$=\"routes/bottles.py\"]')")
    page.wait("document.activeElement.name === 'resources'")

    link = page.find("#link").get_attribute("value")
    assert link
    url = link.replace("/?", "/service.zip?")
    with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 - our own
        archive = zipfile.ZipFile(io.BytesIO(answer.read()))
    given: dict[str, Answer] = {"framework": "flask", "pages": True, "resources": RESOURCE}
    project = projects.create(templates.locate(), tmp_path / "service", given, ask=False).path

    paths = {path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()}
    assert page.files() == paths
    for path in paths - {".copier-answers.yml"}:
        assert archive.read(f"service/{path}") == (project / path).read_bytes()


def test_a_mistake_is_told_where_it_is(page: Page) -> None:
    shown = page.files()

    page.write("resources", '- "bottle(label: txt)"')
    page.wait("document.getElementById('problem-resources').textContent.includes('txt')")

    assert page.find("#answer-resources").get_attribute("aria-invalid") == "true"
    assert "bottle.label" in page.find("#problem-resources").text
    assert page.find("#summary").text == page.find("#problem-resources").text
    assert not page.find("#answers button").is_enabled()
    assert page.files() == shown

    page.write("resources", RESOURCE)
    page.wait("!document.getElementById('problem-resources').textContent")
    assert page.find("#answer-resources").get_attribute("aria-invalid") is None
    assert page.find("#answers button").is_enabled()


def test_all_of_it_works_by_keyboard(page: Page) -> None:
    def press(*keys: str) -> None:
        webdriver.ActionChains(page.driver).send_keys(*keys).perform()

    def focused(attribute: str) -> str:
        return page.driver.switch_to.active_element.get_attribute(attribute) or ""

    for _ in range(100):
        press(Keys.TAB)
        if focused("name") == "framework":
            break
    press(Keys.ARROW_DOWN)
    page.wait("new URL(location).searchParams.get('framework') === 'flask'")
    assert focused("value") == "flask"
    for _ in range(200):
        press(Keys.TAB)
        if focused("data-file") == "src/service/app.py":
            break
    press(Keys.ENTER)
    page.wait("document.getElementById('file-name').textContent.includes('src/service/app.py')")
    page.wait("document.activeElement.dataset.file === 'src/service/app.py'")
    assert page.find('[data-file="src/service/app.py"]').get_attribute("aria-current") == "true"
    assert "from flask import" in page.find("pre").text
    # A region that is scrolled, and then the fields to be copied.
    tags = []
    for _ in range(200):
        press(Keys.TAB)
        tags.append(page.driver.switch_to.active_element.tag_name)
        if focused("id") == "command":
            break
    assert "pre" in tags
    selected = page.driver.execute_script(
        "const field = document.activeElement;"
        "return field.value.slice(field.selectionStart, field.selectionEnd)"
    )
    assert selected == page.find("#command").get_attribute("value")
    assert selected.startswith("servicewright new service --defaults")


def test_without_scripts_the_form_is_sent(driver: webdriver.Chrome, address: str) -> None:
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        driver.get(address)
        driver.find_element(By.CSS_SELECTOR, '[name="framework"][value="fastapi"]').send_keys(
            Keys.ARROW_DOWN
        )
        driver.find_element(By.ID, "show").click()
        WebDriverWait(driver, PATIENCE).until(lambda driver: "flask" in driver.current_url)
        summary = driver.find_element(By.ID, "summary").text
        assert "the last answer made " in summary
        chosen = driver.find_element(By.CSS_SELECTOR, '[name="framework"]:checked')
        assert chosen.get_attribute("value") == "flask"
    finally:
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@needs_node
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_it_fits_every_screen_and_is_accessible(
    page: Page, width: int, scheme: str, node_modules: Path
) -> None:
    metrics = {"width": width, "height": WIDTHS[width], "deviceScaleFactor": 1, "mobile": False}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    page.open("?framework=flask&file=src%2Fservice%2Fapp.py&before=framework%3Dfastapi")

    wide = page.driver.execute_script(
        "return [...document.querySelectorAll('body *:not(pre *)')]"
        ".filter((element) => element.getBoundingClientRect().right > innerWidth)"
        ".map((element) => element.outerHTML)"
    )
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.driver.save_screenshot(SCREENSHOTS / f"builder-{width}-{scheme}.png")
    page.driver.execute_script("document.getElementById('result').scrollIntoView()")
    page.driver.save_screenshot(SCREENSHOTS / f"builder-{width}-{scheme}-result.png")

    page.driver.execute_script((node_modules / "axe-core" / "axe.min.js").read_text())
    report = page.driver.execute_async_script("axe.run().then(arguments[0])")
    found = [
        f"{problem['help']}: {node['html']}"
        for problem in report["violations"]
        for node in problem["nodes"]
    ]
    assert wide == []
    assert found == []


@needs_node
@pytest.mark.parametrize("query", ["", "?docker=perhaps", "?before=framework%3Dflask&docker=no"])
def test_it_is_valid_html(address: str, query: str, node_modules: Path, tmp_path: Path) -> None:
    with urllib.request.urlopen(address + query, timeout=60) as answer:  # noqa: S310 - our own
        (tmp_path / "page.html").write_bytes(answer.read())

    validator = node_modules / "html-validate" / "bin" / "html-validate.mjs"
    done = subprocess.run(
        ["node", validator, "--preset", "standard", "page.html"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "")
