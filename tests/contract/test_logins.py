"""Logins in a real browser: by pages, to the admin site, and by the button Authorize of /docs.

The issuer is oidc-provider-mock, with what browsers need besides: other origins may ask it, and its
access tokens are JSON Web Tokens, as those of Keycloak are. What the documentation loads from a CDN
comes from the same package of npm, under the CDN's name.
"""

from __future__ import annotations

import datetime as dt
import ssl
import threading
from contextlib import contextmanager
from functools import partial
from http.client import HTTPConnection
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import pytest
from browsers import SCREENSHOTS, chromium, needs_browser, needs_node, next_page
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from contract.probes import PASSWORD, USERNAME
from contract.services import FRAMEWORKS, PATIENCE, run_in_production
from contract.test_issuers import independent_issuer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from matrix.environments import Environments
    from selenium import webdriver
    from selenium.webdriver.remote.webelement import WebElement

    from contract.services import Server, Services

SECRET = "a secret of the tests that is long enough for every algorithm"  # noqa: S105
CLIENT = "the service of the tests"
ADA = {"username": "ada", "password": "correct horse battery"}
CDN = "cdn.jsdelivr.net"
ISSUER = """
import sys
from flask import json, request
from oidc_provider_mock import app

served = app()

@served.after_request
def let_browsers_ask(answer):
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Access-Control-Allow-Headers"] = "authorization, x-requested-with"
    if (request.method, request.path, answer.status_code) == ("POST", "/oauth2/token", 200):
        tokens = json.loads(answer.data)
        answer.data = json.dumps(tokens | {"access_token": tokens["id_token"]})
    return answer

served.run(port=int(sys.argv[1]))
"""


class Files(SimpleHTTPRequestHandler):
    """Serves the packages of npm as the CDN does: with a version in each path."""

    def translate_path(self, path: str) -> str:
        """Leave out the version."""
        package, _, file = path.removeprefix("/npm/").partition("/")
        return super().translate_path(f"/{package.partition('@')[0]}/{file}")

    def end_headers(self) -> None:
        """Let other origins read the files, as a browser that compares hashes must."""
        self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()

    def log_message(self, *_: Any, **__: Any) -> None:
        """Keep the output of the tests free of it."""


def make_certificate(directory: Path) -> Path:
    """Make a certificate of the CDN, which nobody but a browser of the tests believes."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, CDN)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = directory / "cdn.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def cdn(node_modules: Path, tmp_path: Path) -> Iterator[int]:
    """Serve what the CDN has, and give the port."""
    handler = partial(Files, directory=str(node_modules))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(make_certificate(tmp_path))
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture
def issuer(environments: Environments) -> Iterator[str]:
    """Run an issuer, and give its URL."""
    with independent_issuer(environments, "-c", ISSUER) as url:
        yield url


class Browser:
    """A browser that shows the pages of one service."""

    def __init__(self, driver: webdriver.Chrome, server: Server, name: str) -> None:
        self.driver = driver
        self.server = server
        self.name = name

    def open(self, path: str) -> None:
        """Go to a page."""
        self.driver.get(f"{self.server.url}{path}")

    def find(self, selector: str) -> WebElement:
        """Find one part of the page, when it is there and can be used."""

        def usable(_: object) -> WebElement | Literal[False]:
            found = self.driver.find_elements(By.CSS_SELECTOR, selector)
            return bool(found) and found[0].is_displayed() and found[0].is_enabled() and found[0]

        return WebDriverWait(self.driver, PATIENCE, 0.05).until(
            usable, f"{selector} is not in:\n{self.driver.page_source[-4000:]}"
        )

    def text(self) -> str:
        """Give what can be read."""
        return self.driver.find_element(By.TAG_NAME, "body").text

    def fill(self, **fields: str) -> None:
        """Write into fields."""
        for name, text in fields.items():
            self.find(f"[name={name}]").send_keys(text)

    def click(self, selector: str) -> None:
        """Press a button or follow a link, and wait for the page."""
        with next_page(self.driver):
            self.find(selector).click()

    def picture(self, name: str) -> None:
        """Keep a picture of the page."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(SCREENSHOTS / f"login-{self.name}-{name}.png"))

    def problems(self) -> list[str]:
        """Give what the browser has complained of since it was last asked."""
        logged = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        # The pages of the issuer have their style from elsewhere.
        others = ("/favicon.ico", "/@picocss/")
        texts: list[str] = [one["message"] for one in logged]
        return [text for text in texts if not any(other in text for other in others)]


@pytest.fixture
def make(
    services: Services, issuer: str, tmp_path: Path
) -> Callable[..., AbstractContextManager[Browser]]:
    """Give a function that shows the pages of a service that knows its users in some way."""
    settings = {
        "basic": {"BASIC_AUTH_USERNAME": USERNAME, "BASIC_AUTH_PASSWORD": PASSWORD},
        "jwt": {"TOKEN_SECRETS": SECRET},
        "oidc": {
            "OIDC_ISSUER": issuer,
            "OIDC_AUDIENCE": CLIENT,
            "OIDC_CLIENT_ID": CLIENT,
            "OIDC_CLIENT_SECRET": SECRET,
            "LOGIN_SECRET": SECRET,
        },
    }

    @contextmanager
    def make(framework: str, auth: str, *arguments: str, **answers: Any) -> Iterator[Browser]:
        service = services.make(tmp_path, framework, auth=auth, **answers)
        with (
            run_in_production(service, settings[auth]) as server,
            chromium(tmp_path / "browser", "--window-size=1280,1000", *arguments) as driver,
        ):
            yield Browser(driver, server, f"{auth}-{framework}")
            assert "Traceback" not in server.log

    return make


def sign_up(server: Server) -> None:
    """Add a user to a service that has its own."""
    answer = server.ask(
        "POST",
        "/users",
        f'{{"username": "{ADA["username"]}", "password": "{ADA["password"]}"}}',
        {"Content-Type": "application/json"},
    )
    assert answer.status == 201, answer.body


@needs_browser
@pytest.mark.thorough
@pytest.mark.parametrize(("framework", "auth"), [*product(FRAMEWORKS, ("jwt", "oidc"))])
def test_a_user_logs_in_by_the_pages(
    make: Callable[..., AbstractContextManager[Browser]], issuer: str, framework: str, auth: str
) -> None:
    with make(framework, auth) as browser:
        if auth == "jwt":
            sign_up(browser.server)

        def log_in() -> None:
            browser.picture("page")
            if auth == "oidc":
                assert browser.driver.current_url.startswith(issuer)
                browser.fill(sub="ada")
            else:
                browser.fill(**ADA)
            browser.click("main button, form button")
            assert urlsplit(browser.driver.current_url).path == "/"

        browser.open("/")
        browser.click("header a[href='/login']")
        log_in()
        assert browser.find(".visitor span").text == "ada"
        browser.picture("home")
        (cookie,) = [one for one in browser.driver.get_cookies() if one["name"] == "login"]
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
        assert browser.driver.execute_script("return document.cookie") == ""

        browser.fill(name="Oak chair", price="49.90")
        browser.click("main form button")
        assert browser.find(".items .name").text == "Oak chair"

        # Somebody whose login has ended meanwhile is led to the login, and back.
        browser.driver.delete_all_cookies()
        browser.fill(name="Lamp", price="5")
        browser.click("main form button")
        log_in()
        assert browser.find(".visitor span").text == "ada"

        browser.click(".visitor button")
        assert "Log in" in browser.find("header").text
        assert "ada" not in browser.text()
        browser.driver.back()
        browser.driver.refresh()
        assert "Log out" not in browser.text()
        assert browser.problems() == []


def give_role(issuer: str, username: str) -> None:
    """Let an issuer know a user as an admin."""
    connection = HTTPConnection(urlsplit(issuer).netloc, timeout=PATIENCE)
    headers = {"Content-Type": "application/json"}
    connection.request("PUT", f"/users/{username}", '{"roles": ["admin"]}', headers)
    assert connection.getresponse().status == 204
    connection.close()


@needs_browser
@pytest.mark.thorough
@pytest.mark.parametrize(("framework", "site"), [*product(FRAMEWORKS, ("alone", "with-pages"))])
def test_an_admin_logs_in_by_the_issuer(
    make: Callable[..., AbstractContextManager[Browser]], issuer: str, framework: str, site: str
) -> None:
    give_role(issuer, "grace")
    with make(framework, "oidc", admin=True, pages=site == "with-pages") as browser:

        def log_in(username: str) -> str:
            assert browser.driver.current_url.startswith(issuer)
            browser.fill(sub=username)
            browser.click("form button")
            return urlsplit(browser.driver.current_url).path

        def add(name: str) -> None:
            browser.fill(name=name, price="49.90", tags="oak", internal_note="supplier 7")
            browser.click("input[value=Save]")

        browser.open("/admin")
        browser.click("button[value=deny]")
        assert "The login has failed" in browser.text()
        browser.click("a.btn")
        assert log_in("eve") == "/admin/login/callback"
        assert "The role admin is missing" in browser.text()
        browser.picture(f"admin-{site}-refused")
        # Two pages that refuse, of which the browser writes.
        refused = [text for text in browser.problems() if "favicon" not in text]
        assert len(refused) == 2, refused

        browser.click("a.btn")
        assert log_in("grace") == "/admin/"
        assert "Items" in browser.find("#navbarSupportedContent").text
        assert browser.driver.execute_script("return document.cookie") == ""
        browser.open("/admin/item/create")
        add("Oak chair")
        assert "Oak chair" in browser.text()
        browser.picture(f"admin-{site}")

        # Whose login has ended meanwhile is led to the login by a page, and back.
        browser.open("/admin/item/create")
        browser.driver.delete_all_cookies()
        add("Lamp")
        assert urlsplit(browser.driver.current_url).path == "/admin/login/first"
        browser.picture(f"admin-{site}-first")
        browser.click("a.btn")
        assert log_in("grace") == "/admin/"

        browser.click("a[href$='/admin/logout']")
        assert urlsplit(browser.driver.current_url).path == "/admin/login/first"
        assert browser.driver.get_cookies() == []
        browser.open("/admin/item/list")
        assert browser.driver.current_url.startswith(issuer)
        assert browser.problems() == []


@needs_browser
@needs_node
@pytest.mark.thorough
@pytest.mark.parametrize(("framework", "auth"), [*product(FRAMEWORKS, ("basic", "jwt", "oidc"))])
def test_the_button_authorize_of_the_documentation(
    make: Callable[..., AbstractContextManager[Browser]], cdn: int, framework: str, auth: str
) -> None:
    arguments = (f"--host-resolver-rules=MAP {CDN} 127.0.0.1:{cdn}", "--ignore-certificate-errors")
    with make(framework, auth, *arguments) as browser:
        driver = browser.driver
        browser.open("/docs")
        browser.find(".scheme-container .authorize").click()
        browser.picture("dialog")
        if auth == "jwt":
            sign_up(browser.server)
            browser.find("#oauth_username").send_keys(ADA["username"])
            browser.find("#oauth_password").send_keys(ADA["password"])
        elif auth == "basic":
            browser.find(".modal-ux [name=username]").send_keys(USERNAME)
            browser.find(".modal-ux [name=password]").send_keys(PASSWORD)
        else:
            browser.find(".modal-ux [id^=client_id]").send_keys(CLIENT)
            browser.find(".modal-ux [id^=client_secret]").send_keys(SECRET)
            browser.find(".modal-ux label[for^='openid']").click()
        browser.find(".modal-ux .modal-btn.authorize").click()
        if auth == "oidc":
            documentation = driver.current_window_handle
            WebDriverWait(driver, PATIENCE, 0.05).until(lambda _: len(driver.window_handles) == 2)
            (other,) = set(driver.window_handles) - {documentation}
            driver.switch_to.window(other)
            browser.fill(sub="ada")
            browser.find("form button").click()
            WebDriverWait(driver, PATIENCE, 0.05).until(lambda _: len(driver.window_handles) == 1)
            driver.switch_to.window(documentation)
        WebDriverWait(driver, PATIENCE, 0.05).until(
            lambda _: "Logout" in browser.find(".modal-ux .auth-btn-wrapper").text,
            "The browser is not let in.",
        )
        browser.picture("authorized")
        browser.find(".modal-ux .btn-done").click()

        browser.find("[id$=whoami] .opblock-summary-control").click()
        browser.find("[id$=whoami] .try-out__btn").click()
        browser.find("[id$=whoami] .execute").click()
        answer = browser.find("[id$=whoami] .live-responses-table .response").text
        browser.picture("answer")
        assert answer.startswith("200")
        assert '"username": "ada"' in answer
        assert browser.problems() == []
