"""The requests that the services of both frameworks must answer alike."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# What the services are started with, besides a database of their own.
BODY_LIMIT = 100_000
FRIEND = "https://friend.example"
STRANGER = "https://stranger.example"
USERNAME = "ada"
PASSWORD = "correct horse"  # noqa: S105 - of a service that lives for a test
ENVIRONMENT = {
    "BASIC_AUTH_USERNAME": USERNAME,
    "BASIC_AUTH_PASSWORD": PASSWORD,
    "FAILED_LOGINS_LIMIT": "10000",
    "CORS_ORIGINS": json.dumps([FRIEND]),
    "CORS_CREDENTIALS": "true",
    "MAX_BODY_SIZE": str(BODY_LIMIT),
    "MESSAGE": "Grüße & <b>Küsse</b>",
}

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Probe:
    """One request, as it goes over the wire.

    A body that is a tuple is sent in chunks, without a length. What may change data comes with the
    right credentials, unless the request is anonymous or has others.
    """

    name: str
    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | tuple[bytes, ...] | None = None
    anonymous: bool = False


def _json(name: str, method: str, target: str, content: Any, content_type: str = JSON) -> Probe:
    """Send JSON; bytes are sent as they are."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Probe(name, method, target, (("Content-Type", content_type),), body)


def _chair(**changes: Any) -> dict[str, Any]:
    chair = {"name": "Chair", "price": "49.90", "tags": ["oak"], "internal_note": "supplier 7"}
    return chair | changes


def _short(text: str) -> str:
    return text if len(text) < 40 else f"{text[:20]}… ({len(text)} characters)"


def _basic(credentials: bytes) -> str:
    return f"Basic {base64.b64encode(credentials).decode()}"


AUTHORIZATION = _basic(f"{USERNAME}:{PASSWORD}".encode())

# A service starts without items: these make the ones that the other probes read and change.
ITEMS = (
    _json("first item", "POST", "/items", _chair()),
    _json("item with defaults", "POST", "/items", {"name": "Lamp", "price": 5}),
    _json("item in unicode", "POST", "/items", _chair(name="Stühle 椅子 🪑 e\u0301")),
    _json("item with wildcards", "POST", "/items", _chair(name="100% co_tton \\ [a]")),
    _json("item with HTML", "POST", "/items", _chair(name="<b>&\"'</b>", tags=["<i>"])),
    _json("item to delete", "POST", "/items", _chair(name="Gone")),
    _json("item as long as can be", "POST", "/items", _chair(name="é" * 100, tags=["x" * 30] * 10)),
)

# Parts of an item and values to try for them, in new items, replacements and changes.
VALUES: dict[str, tuple[Any, ...]] = {
    "name": (
        "",
        " ",
        "x" * 101,
        "🪑" * 100,
        "nul \0 inside",
        "line\nbreak\ttab \x7f \u2028 \ufeff",
        "\ud800",
        "\udc00\ud800",
        None,
        7,
        True,
        ["Chair"],
        {"a": 1},
    ),
    "price": (
        0,
        "0",
        "-1",
        "-0",
        "0.001",
        "1.999",
        "0.01",
        "99999999.99",
        "100000000",
        1e7,
        1e300,
        10**400,
        0.1,
        49.9,
        "1e2",
        "1E-2",
        "1e1000000",
        "1e-1000000",
        "\uff11\uff12",
        " 12 ",
        "1_000",
        "+5",
        ".5",
        "5.",
        "0x10",
        "1,5",
        "NaN",
        "-nan",
        "sNaN",
        "Infinity",
        "-inf",
        "",
        "cheap",
        "9" * 5000,
        True,
        None,
        [],
        {},
    ),
    "tags": (
        [],
        "oak",
        "",
        None,
        [""],
        ["x" * 31],
        ["nul \0"],
        ["\ud83e"],
        [None],
        [1],
        [["oak"]],
        ["oak", "oak"],
        [str(number) for number in range(11)],
        {"oak": 1},
        {},
        7,
    ),
    "internal_note": ("", "x" * 500, "x" * 501, "nul \0", "\udfff", None, 7, []),
}

# Bodies that are not what they should be, sent as JSON.
BODIES: dict[str, bytes] = {
    "nothing": b"",
    "white space": b" \n ",
    "a cut object": b'{"name": "Chair"',
    "more than an object": b'{"name": "Chair", "price": 1} {}',
    "words": b"no json",
    "a text": b'"text"',
    "a list": b"[]",
    "a list with an item": b'[{"name": "Chair", "price": 1}]',
    "a number": b"7",
    "true": b"true",
    "null": b"null",
    "an empty object": b"{}",
    "bytes": b"\xff\xfe\xfd",
    "invalid UTF-8 in a text": b'{"name": "Ch\xffir", "price": 1}',
    "an encoded surrogate": b'{"name": "\xed\xa0\x80", "price": 1}',
    "Latin-1": '{"name": "Stühle", "price": 1}'.encode("latin-1"),
    "UTF-8 with a mark": b'\xef\xbb\xbf{"name": "Chair", "price": 1}',
    "UTF-16 with a mark": '{"name": "Chair", "price": 1}'.encode("utf-16"),
    "UTF-16": '{"name": "Chair", "price": 1}'.encode("utf-16-le"),
    "UTF-32": '{"name": "Chair", "price": 1}'.encode("utf-32-be"),
    "NaN": b'{"name": "Chair", "price": NaN}',
    "Infinity": b'{"name": "Chair", "price": Infinity}',
    "a number of 5000 digits": b'{"name": "Chair", "price": ' + b"9" * 5000 + b"}",
    "a huge exponent": b'{"name": "Chair", "price": 1e999999}',
    "a name twice": b'{"name": "First", "name": "Second", "price": 1}',
    "a bad name twice": b'{"name": "First", "name": "", "price": 1}',
    "single quotes": b"{'name': 'Chair', 'price': 1}",
    "a trailing comma": b'{"name": "Chair", "price": 1,}',
    "a comment": b'{"name": "Chair", /* no */ "price": 1}',
    "a raw control character": b'{"name": "Ch\x01air", "price": 1}',
    "a raw NUL": b'{"name": "Ch\0air", "price": 1}',
    "a NUL at the end": b'{"name": "Chair", "price": 1}\0',
    "half a surrogate": rb'{"name": "\ud800", "price": 1}',
    "half a surrogate as a key": rb'{"name": "Chair", "price": 1, "\ud800": 1}',
    "a surrogate pair": rb'{"name": "\ud83e\ude91", "price": 1}',
    "unknown fields": b'{"name": "Chair", "price": 1, "id": 99, "colour": "red"}',
    "deep lists": b"[" * 20_000 + b"]" * 20_000,
    "deep objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "deep lists in a field": b'{"name": "Chair", "price": ' + b"[" * 500 + b"]" * 500 + b"}",
}

# What a request may say of its body, which is JSON in truth.
CONTENT_TYPES = (
    "application/json; charset=utf-8",
    "application/json; charset=latin-1",
    "application/json; charset=nonsense",
    "application/json;charset=utf-8;",
    "application/json ; profile=x",
    "APPLICATION/JSON",
    "application/vnd.api+json",
    "application/problem+json",
    "application/merge-patch+json; charset=utf-8",
    "application/+json",
    "application/x+json+xml",
    "application/jsonp",
    "application/json, text/plain",
    "application/x-json",
    "text/json",
    "text/vnd.api+json",
    "text/plain",
    "application/octet-stream",
    FORM,
    "multipart/form-data; boundary=x",
    "json",
    "/",
    "",
    "*/*",
    "application/json/json",
    "application /json",
    "multipart/form-data",
)

ITEM_IDS = (
    "1",
    "01",
    "+1",
    "-1",
    "0",
    "-0",
    "1.0",
    "1.5",
    "1e0",
    "1_0",
    "%201",
    "1%20",
    "1%0A",
    "%31",
    "%EF%BC%91",
    "%D9%A1",
    "one",
    "NaN",
    "true",
    "null",
    "None",
    "%00",
    "1%00",
    "%FF",
    "%C3%BC",
    "%ZZ",
    "%",
    "%2",
    "0x1",
    "1;a=b",
    "1:2",
    "1,2",
    "1@2",
    "(1)",
    "1+1",
    "[1]",
    "~",
    "*",
    ".",
    "..",
    "%2E",
    "%2E%2E",
    "1%2F",
    "1%2f2",
    "%2F1",
    "%252F",
    "%3F",
    "%23",
    "%25",
    "4711",
    str(2**31 - 1),
    str(2**31),
    str(2**63),
    str(10**30),
    "9" * 3900,
)

QUERIES = (
    "",
    "?",
    "?&",
    "?=",
    "?q",
    "?q=",
    "?q=chair",
    "?q=CHAIR",
    "?q=st%C3%BChle",
    "?q=ST%C3%9CHLE",
    "?q=%E6%A4%85",
    "?q=%F0%9F%AA%91",
    "?q=%25",
    "?q=_",
    "?q=%5C",
    "?q=[a]",
    "?q=%2F",
    "?q=co_t",
    "?q=o%t",
    "?q=+chair",
    "?q=%20",
    "?q=+",
    "?q=%00",
    "?q=a%00",
    "?q=%FF",
    "?q=%ED%A0%80",
    "?q=%C3",
    "?q=%",
    "?q=%4",
    "?q=%ZZ",
    "?q=" + "x" * 100,
    "?q=" + "x" * 101,
    "?q=" + "%C3%BC" * 100,
    "?q=a&q=chair",
    "?q=chair&q=",
    "?q[]=chair",
    "?q;limit=3",
    "?q=1;limit=3",
    "?q=null",
    "?Q=chair",
    "?q=a=b",
    "?q=a%26limit%3D1",
    "?q=chair#fragment",
    "?limit=1",
    "?limit=100",
    "?limit=101",
    "?limit=0",
    "?limit=-1",
    "?limit=",
    "?limit",
    "?limit=many",
    "?limit=1.0",
    "?limit=1.5",
    "?limit=1e1",
    "?limit=+5",
    "?limit=%2B5",
    "?limit=%205%20",
    "?limit=5_0",
    "?limit=05",
    "?limit=0x5",
    "?limit=%D9%A1",
    "?limit=true",
    "?limit=null",
    "?limit=NaN",
    "?limit=5%00",
    "?limit=3&limit=4",
    "?limit=0&limit=4",
    "?limit=4&limit=0",
    "?limit=4&limit",
    "?limit=4&limit=",
    "?limit[]=3",
    "?%6Cimit=3",
    "?limit%00=3",
    "?LIMIT=0",
    "?limit=" + "9" * 3900,
    "?limit=1&offset=2",
    "?offset=6",
    "?offset=100",
    "?offset=-1",
    "?offset=-0",
    f"?offset={2**31 - 1}",
    f"?offset={2**31}",
    f"?offset={2**63}",
    f"?offset={10**30}",
    "?limit=0&offset=-1",
    "?limit=0&offset=-1&q=%00",
    "?unknown=1",
    "?%FF=1",
    "?limit=2&offset=1&q=a&unknown=%F0%9F%AA%91",
    "?" + "a=1&" * 900 + "limit=3",
)

# Paths that are no route, or hardly one.
PATHS = (
    "/nothing",
    "/nothing/here",
    "/items/",
    "/items//",
    "//items",
    "//items/1",
    "/items//1",
    "/items/1/",
    "/items/1//",
    "/items/1/2",
    "/ITEMS",
    "/items%2F1",
    "/items%20",
    "/%69tems",
    "/items/../items",
    "/./items",
    "/items/.",
    "/items;a=b",
    "/items%3Fq=1",
    "/items%00",
    "/item",
    "/itemsx",
    "/%C3%BC",
    "/%FF",
    "/%",
    "/" + "a" * 3900,
    "//",
    "///",
    "/health/",
    "//health",
    "/health?x=1",
    "/ready/",
    "/ready?x=1",
    "/openapi.json/",
    "/openapi.yaml",
    "/docs/",
    "/docs/oauth2-redirect",
    "/redoc/",
    "/whoami/",
    "/uploads",
    "/uploads/",
    "/static",
    "/static/",
    "/favicon.ico",
    "/robots.txt",
    "/index.html",
    "/?x=1",
)

# What an owner may raise, by the name of a route: in Python, with ``fail`` for what raises an error
# of the framework with this status and detail.
OWN_ERRORS = {
    "conflict": 'raise ConflictError("The name is taken")',
    "busy": 'raise UnavailableError("Too much to do", 7)',
    "missing": 'raise NotFoundError("No such thing")',
    "teapot": 'raise TeapotError("Short and stout", {"X-Own": "tea"})',
    "object": 'fail(409, {"free": ["a", "ü"], "code": 7})',
    "list": "fail(400, [1, None])",
    "text": 'fail(422, "Not so")',
    "unusual": 'fail(499, "Unusual")',
    "cause": 'try: int("x")\nexcept ValueError as error: fail(400, "A sentence", error)',
    "plain": "fail(409, None)",
}

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PURGE")
ROUTES = (
    "/",
    "/health",
    "/ready",
    "/items",
    "/items/4711",
    "/items/one",
    "/openapi.json",
    "/docs",
    "/redoc",
    "/uploads/none.bin",
    "/whoami",
    "/static/style.css",
    "/static/none.css",
    "/nothing",
    *(f"/own/{name}" for name in OWN_ERRORS),
)

STATIC = (
    "style.css",
    "script.js",
    "STYLE.CSS",
    "style.css/",
    "style.css?v=1",
    "%73tyle.css",
    "/style.css",
    "./style.css",
    ".",
    "..",
    "%2e",
    "%2e%2e",
    "../",
    "../app.py",
    "../settings.py",
    "%2e%2e/app.py",
    "..%2fapp.py",
    "%2e%2e%2fapp.py",
    "..%5capp.py",
    "..\\app.py",
    "../static/style.css",
    "../../static/style.css",
    "a/../style.css",
    "%00",
    "style.css%00",
    "style.css%00.png",
    "%FF",
    "%C3%BC",
    "/etc/passwd",
    "//etc/passwd",
    "%2Fetc%2Fpasswd",
    "/%2e%2e/%2e%2e/app.py",
    "../" * 30 + "etc/passwd",
    "C:/windows/win.ini",
    "~",
    "x" * 300,
    "x/" * 500,
    "__pycache__",
)

FORMS: dict[str, dict[str, str]] = {
    "all fields": {"name": "Form chair", "price": "12.5", "tags": "oak, , red"},
    "unicode": {"name": " Stühle 椅子 🪑 ", "price": " 7 ", "tags": "ä,ö"},
    "no name": {"name": "", "price": "1", "tags": ""},
    "a name of white space": {"name": "   ", "price": "1", "tags": ""},
    "a long name": {"name": "x" * 101, "price": "1", "tags": ""},
    "HTML in a wrong form": {"name": "<script>\"'&</script>", "price": "<b>", "tags": '">'},
    "a bad price": {"name": "A", "price": "cheap", "tags": "a"},
    "a comma in the price": {"name": "A", "price": "1,50", "tags": ""},
    "no number as price": {"name": "A", "price": "NaN", "tags": ""},
    "a huge price": {"name": "A", "price": "9" * 4000, "tags": ""},
    "a long tag": {"name": "A", "price": "1", "tags": "x" * 31},
    "many tags": {"name": "A", "price": "1", "tags": ",".join("abcdefghijk")},
    "NUL": {"name": "a\0b", "price": "1", "tags": ""},
    "a note": {"name": "A", "price": "1", "tags": "", "internal_note": "x" * 501},
    "all wrong": {"name": "", "price": "", "tags": "x" * 31},
    "nothing of use": {"colour": "red"},
}

FILENAMES = (
    "data.bin",
    "a",
    "_",
    "-",
    "-rf",
    "a.tar.gz",
    "a..b",
    "x" * 100,
    "x" * 101,
    ".hidden",
    "%2E%2E",
    "..",
    "a%20b",
    "a+b",
    "a%2Fb",
    "%2E%2E%2Fa",
    "a%5Cb",
    "a%00",
    "a%0A",
    "%0Aa",
    "%C3%A4",
    "%FF",
    "a:b",
    "CON",
    "a/b",
    "a/",
    "%EF%BC%A1",
    "a;b",
    "a@b",
    "~",
)

AUTHORIZATIONS: tuple[tuple[str, str | None], ...] = (
    ("no header", None),
    ("an empty header", ""),
    ("the scheme alone", "Basic"),
    ("the scheme and a space", "Basic "),
    ("no base64", "Basic !!!"),
    ("base64 of a wrong length", "Basic YWRhO"),
    ("another scheme", "Bearer token"),
    ("no scheme", base64.b64encode(b"ada:correct horse").decode()),
    ("Digest", 'Digest username="ada", realm="x"'),
    ("right", _basic(b"ada:correct horse")),
    ("right in small letters", _basic(b"ada:correct horse").replace("Basic", "basic")),
    ("right in capitals", _basic(b"ada:correct horse").replace("Basic", "BASIC")),
    ("right after two spaces", _basic(b"ada:correct horse").replace(" ", "  ")),
    ("right and a space", _basic(b"ada:correct horse") + " "),
    ("right without padding", _basic(b"ada:correct horse").rstrip("=")),
    ("right and more padding", _basic(b"ada:correct horse") + "=="),
    ("right and a comma", _basic(b"ada:correct horse") + ", x"),
    ("right after a tab", _basic(b"ada:correct horse").replace(" ", "\t")),
    ("base64 with a line break's letters", "Basic YWRh\\nOmNvcnJlY3QgaG9yc2U="),
    ("a name alone", _basic(b"ada")),
    ("nothing", _basic(b"")),
    ("a colon", _basic(b":")),
    ("no password", _basic(b"ada:")),
    ("no name", _basic(b":correct horse")),
    ("a wrong password", _basic(b"ada:wrong")),
    ("a longer password", _basic(b"ada:correct horse ")),
    ("a password with a colon", _basic(b"ada:correct horse:x")),
    ("a wrong name", _basic(b"eve:correct horse")),
    ("the name in capitals", _basic(b"ADA:correct horse")),
    ("a password in UTF-8", _basic("ada:größe".encode())),
    ("a password in Latin-1", _basic("ada:größe".encode("latin-1"))),
    ("a name in UTF-8", _basic("größe:correct horse".encode())),
    ("no text", _basic(b"\xff\xfe:\xfd")),
    ("NUL", _basic(b"ada\0:correct horse")),
    ("a line break", _basic(b"ada:correct horse\n")),
    ("a header in Latin-1", "Basic größe"),
    ("a long header", "Basic " + "QUJD" * 1000),
)

ORIGINS = (
    FRIEND,
    f"{FRIEND}/",
    f"{FRIEND}.evil",
    f"{FRIEND}:443",
    "http://friend.example",
    "https://friendXexample",
    "friend.example",
    STRANGER,
    "null",
    "*",
    "",
    f"{FRIEND}, {STRANGER}",
    f"{FRIEND} {STRANGER}",
    "größe",
)


def _item_probes() -> Iterator[Probe]:
    for part, values in VALUES.items():
        for value in values:
            shown = f"{part} {_short(json.dumps(value))}"
            yield _json(f"new item with {shown}", "POST", "/items", _chair(**{part: value}))
            yield _json(f"replacement with {shown}", "PUT", "/items/1", _chair(**{part: value}))
            yield _json(f"change of {shown}", "PATCH", "/items/2", {part: value})
    for part in ("name", "price", "tags", "internal_note"):
        left = {name: value for name, value in _chair().items() if name != part}
        yield _json(f"new item without {part}", "POST", "/items", left)
        yield _json(f"replacement without {part}", "PUT", "/items/1", left)
    yield _json("new item wrong in all parts", "POST", "/items", dict.fromkeys(_chair(), 7.5))
    for name, body in BODIES.items():
        yield _json(f"new item: {name}", "POST", "/items", body)
        yield _json(f"replacement: {name}", "PUT", "/items/1", body)
        yield _json(f"change: {name}", "PATCH", "/items/2", body)
    body = json.dumps(_chair()).encode()
    for content_type in CONTENT_TYPES:
        yield _json(f"new item as {content_type!r}", "POST", "/items", body, content_type)
    yield Probe("new item without a content type", "POST", "/items", body=body)
    twice = (("Content-Type", "text/plain"), ("Content-Type", JSON))
    yield Probe("no body, but JSON", "POST", "/items", (("Content-Type", JSON),))
    yield Probe("no body at all", "POST", "/items")
    yield Probe("no body to change", "PATCH", "/items/1")
    yield Probe("an item in the query", "POST", "/items?name=Chair&price=1", twice[1:], b"{}")
    for method in ("PUT", "PATCH"):
        yield _json(f"{method} of an unknown item", method, "/items/4711", _chair())
        yield _json(f"{method} of an unknown item, bad", method, "/items/4711", {"name": ""})
        yield _json(f"{method} of a bad id and body", method, "/items/one", {"name": ""})
    yield Probe("delete", "DELETE", "/items/6")
    yield Probe("delete again", "DELETE", "/items/6")
    yield _json("delete with a body", "DELETE", "/items/4711", b"{")
    yield _json("read with a body", "GET", "/items/1", b"{")
    yield _json("list with a body", "GET", "/items", b"{")


def _size_probes() -> Iterator[Probe]:
    json_type = (("Content-Type", JSON),)
    bytes_type = (("Content-Type", "application/octet-stream"),)
    small = json.dumps(_chair()).encode()
    for name, size in (("at", BODY_LIMIT), ("over", BODY_LIMIT + 1), ("far over", BODY_LIMIT * 2)):
        padded = small.ljust(size)
        chunks = tuple(padded[start : start + 9_999] for start in range(0, size, 9_999))
        for method, target in (("POST", "/items"), ("PUT", "/items/1"), ("PATCH", "/items/1")):
            yield Probe(f"{method} {name} the limit", method, target, json_type, padded)
            yield Probe(f"{method} {name} the limit in chunks", method, target, json_type, chunks)
        for form, content_type in (
            ("upload", "application/octet-stream"),
            ("upload as JSON", JSON),
        ):
            headers = (("Content-Type", content_type),)
            yield Probe(f"{form} {name} the limit", "POST", "/uploads/size.bin", headers, padded)
            yield Probe(f"{form} {name} it in chunks", "POST", "/uploads/size.bin", headers, chunks)
        form_body = b"name=" + b"x" * (size - 5)
        yield Probe(f"form {name} the limit", "POST", "/", (("Content-Type", FORM),), form_body)
        yield Probe(f"no path {name} the limit", "POST", "/nothing", json_type, padded)
        yield Probe(f"no item {name} the limit", "PUT", "/items/4711", json_type, padded)
        yield Probe(f"bad id {name} the limit", "PUT", "/items/one", json_type, padded)
        yield Probe(f"no method {name} the limit", "PUT", "/items", json_type, padded)
        yield Probe(f"list {name} the limit", "GET", "/items", json_type, padded)
        yield Probe(f"no JSON {name} the limit", "POST", "/items", bytes_type, b"x" * size)
    yield Probe("item in one chunk", "POST", "/items", json_type, (small,))
    yield Probe("item in bytes", "POST", "/items", json_type, tuple(bytes([b]) for b in small))
    yield Probe("no chunks", "POST", "/items", json_type, ())
    yield Probe("no JSON in chunks", "POST", "/items", json_type, (b"{", b"{"))
    yield Probe("list with chunks", "GET", "/items", json_type, (b"{",))
    yield Probe("delete with chunks", "DELETE", "/items/4711", json_type, (b"{",))


def _form_probes() -> Iterator[Probe]:
    form_type = (("Content-Type", FORM),)
    for name, fields in FORMS.items():
        body = urlencode(fields).encode()
        yield Probe(f"form: {name}", "POST", "/", form_type, body)
    for name, text in {
        "nothing": b"",
        "names without values": b"name&price&tags",
        "a name twice": b"name=First&name=Second&price=cheap",
        "a good and a bad price": b"name=A&price=1&price=cheap",
        "a bad and a good price": b"name=A&price=cheap&price=1",
        "a bad escape": b"name=%ZZ&price=1",
        "semicolons": b"name=A;price=1",
        "a plus": b"name=A+B&price=1",
        "JSON": b'{"name": "A", "price": 1}',
    }.items():
        yield Probe(f"form: {name}", "POST", "/", form_type, text)
    for name, text in {
        "no percent encoding": "name=Stühle&price=cheap".encode(),
        "Latin-1": b"name=St%FChle&price=cheap",
        "a surrogate": b"name=%ED%A0%80&price=cheap",
        "many fields": b"a=1&" * 1500 + b"name=A&price=cheap",
    }.items():
        yield Probe(f"odd form: {name}", "POST", "/", form_type, text)
    chair = b"name=A&price=1"
    for content_type in (
        f"{FORM}; charset=utf-8",
        f"{FORM}; charset=latin-1",
        FORM.upper(),
        "text/plain",
        JSON,
        "",
    ):
        headers = (("Content-Type", content_type),)
        yield Probe(f"form as {content_type!r}", "POST", "/", headers, chair)
    for boundary in ("", "; boundary=", "; boundary=x"):
        headers = (("Content-Type", f"multipart/form-data{boundary}"),)
        yield Probe(f"odd form with {boundary!r}", "POST", "/", headers, chair)
    yield Probe("form without a type", "POST", "/", (), chair)
    yield Probe("form in chunks", "POST", "/", form_type, (b"name=A&pr", b"ice=1"))
    parts = {
        "parts": '--x\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n',
        "files": '--x\r\nContent-Disposition: form-data; name="{}"; filename="f"\r\n\r\n{}\r\n',
    }
    multipart = (("Content-Type", "multipart/form-data; boundary=x"),)
    for name, part in parts.items():
        body = (part.format("name", "Stühle") + part.format("price", "1") + "--x--\r\n").encode()
        yield Probe(f"form of {name}", "POST", "/", multipart, body)
        yield Probe(f"odd form of {name}, cut", "POST", "/", multipart, body[:-7])
        yield Probe(f"odd form of {name}, cut early", "POST", "/", multipart, body[:30])
    yield Probe("form of no parts", "POST", "/", multipart, b"--x--\r\n")
    yield Probe("form of nothing", "POST", "/", multipart, b"")
    nameless = b"--x\r\nContent-Disposition: form-data\r\n\r\nA\r\n--x--\r\n"
    yield Probe("odd form of a part without a name", "POST", "/", multipart, nameless)
    bare = b"--x\r\n\r\nA\r\n--x--\r\n"
    yield Probe("odd form of a part without headers", "POST", "/", multipart, bare)
    many = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 1100 + b"--x--\r\n"
    yield Probe("odd form of many parts", "POST", "/", multipart, many)
    yield Probe("the page after the forms", "GET", "/")


def _upload_probes() -> Iterator[Probe]:
    headers = (("Content-Type", "application/octet-stream"),)
    for filename in FILENAMES:
        yield Probe(f"status of {_short(filename)}", "GET", f"/uploads/{filename}")
        yield Probe(
            f"upload of {_short(filename)}", "POST", f"/uploads/{filename}", headers, b"hello"
        )
    for content_type in (JSON, FORM, "multipart/form-data; boundary=x", "multipart/form-data", ""):
        yield Probe(
            f"upload as {content_type!r}",
            "POST",
            "/uploads/typed.bin",
            (("Content-Type", content_type),),
            b"{",
        )
    yield Probe("upload without a type", "POST", "/uploads/typed.bin", (), b"hello")
    yield Probe("upload of nothing", "POST", "/uploads/empty.bin", headers)
    yield Probe("upload in chunks", "POST", "/uploads/chunks.bin", headers, (b"hel", b"lo"))


def _header_probes() -> Iterator[Probe]:
    for name, value in AUTHORIZATIONS:
        headers = () if value is None else (("Authorization", value),)
        yield Probe(f"who am I: {name}", "GET", "/whoami", headers)
    targets = ("/items", "/items/4711", "/items/one", "/nothing", "/whoami", "/", "/health")
    shouted = (("Origin", FRIEND.upper()),)
    yield Probe("origin in capitals", "GET", "/items", shouted)
    for origin in ORIGINS:
        yield Probe(f"origin {origin}", "GET", "/items", (("Origin", origin),))
    for target in (*targets, "/static/style.css", "/static/none", "/openapi.json"):
        for origin in (FRIEND, STRANGER):
            yield Probe(f"{target} from {origin}", "GET", target, (("Origin", origin),))
    for method in ("DELETE", "POST"):
        yield Probe(f"{method} /health from afar", method, "/health", (("Origin", FRIEND),))
    preflight = (("Access-Control-Request-Method", "GET"), ("Origin", STRANGER))
    yield Probe("a GET like a preflight", "GET", "/items", preflight)
    yield _json("item for a friend", "POST", "/items", _chair(), JSON)
    for name, value in (
        ("Accept", "text/html"),
        ("Accept", "application/xml"),
        ("Accept", "nonsense"),
        ("Accept-Encoding", "gzip, br"),
        ("Accept-Language", "de"),
        ("Range", "bytes=0-3"),
        ("If-None-Match", "*"),
        ("Cookie", "session=%FF; \x01=2"),
        ("X-HTTP-Method-Override", "DELETE"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "evil.example"),
        ("Transfer-Coding", "x"),
        ("Content-Encoding", "gzip"),
        ("X-Long", "x" * 4000),
    ):
        if name != "Cookie":
            yield Probe(f"items with {name} {_short(value)}", "GET", "/items/1", ((name, value),))
            continue
        yield Probe("items with a strange cookie", "GET", "/items/1", ((name, "session=%FF; =2"),))
    encoded = (("Content-Type", JSON), ("Content-Encoding", "gzip"))
    body = json.dumps(_chair()).encode()
    yield Probe("an item that says it is compressed", "POST", "/items", encoded, body)


def _probes() -> Iterator[Probe]:
    yield from ITEMS
    for query in QUERIES:
        yield Probe(f"list {_short(query)}", "GET", f"/items{query.replace('#', '%23')}")
    for item_id in ITEM_IDS:
        yield Probe(f"read {_short(item_id)}", "GET", f"/items/{item_id}")
        yield _json(f"change {_short(item_id)}", "PATCH", f"/items/{item_id}", {})
        if not item_id.endswith("1"):
            yield Probe(f"delete {_short(item_id)}", "DELETE", f"/items/{item_id}")
    for path in PATHS:
        yield Probe(f"path {_short(path)}", "GET", path)
    for route in ROUTES:
        for method in METHODS:
            yield Probe(f"{method} {route}", method, route)
    for path in STATIC:
        yield Probe(f"static {_short(path)}", "GET", f"/static/{path}")
    yield from _item_probes()
    yield from _size_probes()
    yield from _form_probes()
    yield from _upload_probes()
    yield from _header_probes()
    yield from _anonymous_probes()
    yield from _foreign_probes()
    yield Probe("all items in the end", "GET", "/items?limit=100")
    yield Probe("the page in the end", "GET", "/")


def _foreign_probes() -> Iterator[Probe]:
    """Ask for changes as the pages of this site and of others have browsers do."""
    body = json.dumps(_chair()).encode()
    for site in (
        {"Origin": STRANGER},
        {"Origin": FRIEND},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": FRIEND, "Sec-Fetch-Site": "cross-site"},
        {"Origin": STRANGER, "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "nonsense"},
    ):
        shown = ", ".join(f"{name} {value}" for name, value in site.items())
        for method, target, content_type, content in (
            ("POST", "/items", JSON, body),
            ("POST", "/items", "text/plain", body),
            ("PUT", "/items/1", JSON, body),
            ("DELETE", "/items/4711", JSON, b""),
            ("POST", "/uploads/foreign.bin", "application/octet-stream", b"hello"),
            ("POST", "/", FORM, b"name=Foreign&price=1"),
            ("POST", "/nothing", JSON, b"{}"),
            ("GET", "/items/1", JSON, None),
            ("HEAD", "/items/1", JSON, None),
        ):
            headers = (("Content-Type", content_type), *site.items())
            name = f"{method} {target} as {content_type} with {shown}"
            yield Probe(name, method, target, headers, content)


def _anonymous_probes() -> Iterator[Probe]:
    """Ask for what needs credentials without them, and in ways that could lead round them."""
    json_type = (("Content-Type", JSON),)
    chair = json.dumps(_chair()).encode()
    for method, target, body in (
        ("POST", "/items", chair),
        ("POST", "/items", b"{}"),
        ("POST", "/items/", chair),
        ("POST", "/ITEMS", chair),
        ("POST", "/items?_method=GET", chair),
        ("PUT", "/items/1", chair),
        ("PUT", "/items/4711", chair),
        ("PUT", "/items/one", chair),
        ("PUT", "/items/1", b"{}"),
        ("PATCH", "/items/1", b"{}"),
        ("DELETE", "/items/1", None),
        ("DELETE", "/items/4711", None),
        ("POST", "/uploads/secret.bin", b"hello"),
        ("POST", "/uploads/.hidden", b"hello"),
        ("POST", "/uploads/secret.bin", b"x" * (BODY_LIMIT + 1)),
        ("POST", "/uploads/secret.bin", (b"hel", b"lo")),
        ("POST", "/nothing", chair),
        ("PUT", "/items", chair),
    ):
        shown = f"{method} {target} {_short(str(body))}"
        yield Probe(f"anonymous: {shown}", method, target, json_type, body, anonymous=True)
    yield Probe("path // without credentials", "POST", "//items", json_type, chair, anonymous=True)
    form = (("Content-Type", FORM),)
    for name, body in (("a form", b"name=A&price=1"), ("a bad form", b"name="), ("nothing", b"")):
        yield Probe(f"anonymous: {name}", "POST", "/", form, body, anonymous=True)
    for name, value in (
        ("X-HTTP-Method-Override", "POST"),
        ("X-Method-Override", "DELETE"),
        ("X-Original-URL", "/items/1"),
        ("X-Rewrite-URL", "/items/1"),
        ("X-Forwarded-User", USERNAME),
        ("Remote-User", USERNAME),
        ("X-Forwarded-For", "127.0.0.1"),
    ):
        headers = (*json_type, (name, value))
        for method in ("GET", "POST", "DELETE"):
            shown = f"{method} with {name}"
            yield Probe(f"anonymous: {shown}", method, "/items/1", headers, anonymous=True)
        yield Probe(f"anonymous: /whoami with {name}", "GET", "/whoami", headers)
    for name, given in AUTHORIZATIONS:
        headers = (*json_type, *(() if given is None else (("Authorization", given),)))
        yield Probe(f"creates: {name}", "POST", "/items", headers, chair, anonymous=True)
    for name, body in (*BODIES.items(), ("too much", b" " * (BODY_LIMIT + 1))):
        for method, target in (("POST", "/items"), ("PUT", "/items/1"), ("PATCH", "/items/one")):
            shown = f"{method} {target} with {name}"
            yield Probe(f"anonymous: {shown}", method, target, json_type, body, anonymous=True)
    chunks = (b" " * 60_000, b" " * 60_000)
    name = "anonymous: too much in chunks"
    yield Probe(name, "POST", "/items", json_type, chunks, anonymous=True)
    for name, kind, body in (
        ("no boundary", "multipart/form-data", b"x"),
        ("a cut part", "multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form"),
        ("too much of a form", FORM, b"x" * (BODY_LIMIT + 1)),
        ("many fields", FORM, b"a=1&" * 2_000),
    ):
        sent_as = (("Content-Type", kind),)
        yield Probe(f"anonymous: {name}", "POST", "/", sent_as, body, anonymous=True)


def _with_credentials(probe: Probe) -> Probe:
    known = probe.anonymous or any(name == "Authorization" for name, _ in probe.headers)
    if known or probe.method in {"GET", "HEAD"}:
        return probe
    return replace(probe, headers=(*probe.headers, ("Authorization", AUTHORIZATION)))


def _named_once(probes: Iterable[Probe]) -> tuple[Probe, ...]:
    listed = tuple(map(_with_credentials, probes))
    names = [probe.name for probe in listed]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"Probes need names of their own: {sorted(twice)}")
    return listed


PROBES = _named_once(_probes())
