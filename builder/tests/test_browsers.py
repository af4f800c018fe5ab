"""What browsers are told, and what they may not do for the pages of other sites."""

import pytest
from httpx2 import Client

CHAIR = {"name": "Chair", "price": 49}


@pytest.mark.parametrize(
    "path", ["/", "/test-chairs", "/nothing", "/test-chairs/one", "/docs", "/redoc"]
)
def test_every_answer_tells_browsers_to_be_careful(client: Client, path: str) -> None:
    headers = client.get(path).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    scripts = headers["Content-Security-Policy"].partition("script-src")[2].partition(";")[0]
    assert "unsafe" not in scripts


FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "http://testserver.evil.example"},
    {"Origin": "http://testserver:81"},
    {"Origin": "null"},
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "http://testserver", "Sec-Fetch-Site": "cross-site"},
]
OWN: list[dict[str, str]] = [
    {},
    {"Origin": "http://testserver"},
    {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"},
    {"Origin": "https://service.example", "Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"User-Agent": "curl"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_another_site_changes_nothing(client: Client, headers: dict[str, str]) -> None:
    answer = client.post("/test-chairs", json=CHAIR, headers=headers)

    assert answer.status_code == 403
    assert answer.json() == {"detail": "This request comes from another site"}
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert float(answer.headers["X-Process-Time"]) >= 0
    assert client.get("/test-chairs", headers=headers).json() == []


@pytest.mark.parametrize("headers", OWN)
def test_the_own_site_and_other_clients_do(client: Client, headers: dict[str, str]) -> None:
    assert client.post("/test-chairs", json=CHAIR, headers=headers).status_code == 201


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_the_documentation_runs_known_scripts_only(client: Client, path: str) -> None:
    pages = [client.get(path) for _ in range(2)]

    scripts = [line for line in pages[0].text.splitlines() if "<script" in line]
    assert scripts
    for line in scripts:
        assert ("integrity=" in line and "crossorigin=" in line) or "nonce=" in line
    nonces = [page.text.partition('nonce="')[2].partition('"')[0] for page in pages]
    assert len(set(nonces)) == 2
    for page, nonce in zip(pages, nonces, strict=True):
        assert f"'nonce-{nonce}'" in page.headers["Content-Security-Policy"]
