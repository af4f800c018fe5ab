"""The admin site in a real browser, on gunicorn: an admin logs in and works with the items."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from browsers import SCREENSHOTS, chromium, needs_browser, next_page
from matrix.rendering import PACKAGE
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from contract.services import FRAMEWORKS, PATIENCE, run_in_production

if TYPE_CHECKING:
    from pathlib import Path

    from selenium import webdriver
    from selenium.webdriver.remote.webelement import WebElement

    from contract.services import Service, Services

PASSWORD = "correct horse battery"  # noqa: S105 - of a service that lives for a test
VARIABLES = {"TOKEN_SECRETS": "a secret of the tests that is long enough for every algorithm"}


class Site:
    """A browser on an admin site."""

    def __init__(self, driver: webdriver.Chrome, url: str, framework: str) -> None:
        self.driver = driver
        self.url = url
        self.framework = framework

    def open(self, path: str) -> None:
        """Go to a page."""
        self.driver.get(f"{self.url}{path}")

    def find(self, selector: str) -> WebElement:
        """Find one part of the page."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def cells(self) -> list[str]:
        """Give what stands in the table."""
        return [cell.text for cell in self.driver.find_elements(By.CSS_SELECTOR, "tbody td")]

    def fill(self, **fields: str) -> None:
        """Write into fields."""
        for name, text in fields.items():
            field = self.find(f"[name={name}]")
            field.clear()
            field.send_keys(text)

    def picture(self, name: str) -> None:
        """Keep a picture of the page."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(SCREENSHOTS / f"admin-{self.framework}-{name}.png"))


def make_admin(service: Service) -> None:
    """Make an admin, as the README says."""
    subprocess.run(
        service.program(f"{PACKAGE}.create_admin", "ada"),
        input=PASSWORD,
        text=True,
        check=True,
        cwd=service.path,
        env={
            "PYTHONPATH": "src",
            "DATABASE_URL": f"sqlite:///{service.path / 'test.db'}",
            **VARIABLES,
        },
    )


@needs_browser
@pytest.mark.thorough
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_an_admin_works_with_the_items(framework: str, services: Services, tmp_path: Path) -> None:
    service = services.make(tmp_path, framework, admin=True, auth="jwt", pages=False)
    make_admin(service)
    with (
        run_in_production(service, VARIABLES) as server,
        chromium(tmp_path / "browser", "--window-size=1280,900") as driver,
    ):
        site = Site(driver, server.url, framework)
        site.open("/admin")
        assert driver.current_url.endswith("/admin/login")
        site.picture("login")
        site.fill(username="ada", password=PASSWORD)
        with next_page(site.driver):
            site.find("button[type=submit]").click()
        assert "Items" in site.find("#navbarSupportedContent").text

        for name, price in (("Oak chair", "49.90"), ("Lamp", "5")):
            site.open("/admin/item/create")
            site.fill(name=name, price=price, tags="oak\nkitchen", internal_note="supplier 7")
            with next_page(site.driver):
                site.find("input[value=Save]").click()
        assert site.cells()[3:6] == ["Oak chair", "49.90", "oak, kitchen"]
        site.picture("list")

        site.open("/admin/item/list?search=lamp")
        assert "Oak chair" not in site.cells()
        with next_page(site.driver):
            site.find("tbody a[href*='/edit/']").click()
        assert site.find("[name=internal_note]").get_attribute("value") == ""
        site.fill(price="0")
        with next_page(site.driver):
            site.find("input[value=Save]").click()
        assert site.find(".invalid-feedback").text == "Input should be greater than 0"
        site.picture("wrong")
        site.fill(price="7.25")
        with next_page(site.driver):
            site.find("input[value=Save]").click()
        assert "7.25" in site.cells()

        site.open("/admin/item/list")
        site.find("tbody a[data-bs-target='#modal-delete']").click()
        WebDriverWait(driver, PATIENCE).until(
            lambda _: (
                site.find("#modal-delete-button").is_displayed()
                and "Item 1" in site.find("#modal-delete-text").text
            )
        )
        site.picture("delete")
        with next_page(site.driver):
            site.find("#modal-delete-button").click()
        assert "Oak chair" not in site.cells()
        assert "Lamp" in site.cells()

        with next_page(site.driver):
            site.find("a[href$='/admin/logout']").click()
        site.open("/admin/item/list")
        assert driver.current_url.endswith("/admin/login")
        problems = [entry["message"] for entry in driver.get_log("browser")]  # type: ignore[no-untyped-call]
        # The form that was refused.
        (refused,) = [message for message in problems if "favicon" not in message]
        assert "400" in refused
