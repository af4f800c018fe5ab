#{% filter fitted %}
"""The admin site."""

import datetime as dt
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
#{% if when.bearer %}
from bearers import NOBODY, Bearer
#{% endif %}
from chairs import StoredChair, Tables
from clients import Application, add_routes, client_of, use
from conftest import SETTINGS
from httpx2 import Client, Response
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import JSON, DateTime, Dialect, Engine, ForeignKey, String, TypeDecorator, select
from sqlalchemy.orm import Mapped, mapped_column

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE import admin
from PACKAGE.admin_tables import Table, table
from PACKAGE.app import create_app
from PACKAGE.database import Database
from PACKAGE.engine import make_engine
from PACKAGE.models import Money
from PACKAGE.settings import Settings
#{% endfilter %}

#{% if when.bearer %}
ADMIN = Bearer("admin")
#{% else %}
ADMIN = ("ada", "correct horse")
#{% endif %}


class Moment(TypeDecorator[dt.datetime]):
    """A moment with its zone, as columns of the service are."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, _: Dialect) -> dt.datetime | None:
        return value.replace(tzinfo=None) if value else None

    def process_result_value(self, value: dt.datetime | None, _: Dialect) -> dt.datetime | None:
        return value.replace(tzinfo=dt.UTC) if value else None


class StoredStool(Tables):
    """A stool, with columns of all kinds."""

    __tablename__ = "test_stools"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20), unique=True)
    note: Mapped[str | None] = mapped_column(String(50))
    price: Mapped[Decimal] = mapped_column(Money)
    painted: Mapped[bool]
    wood: Mapped[str] = mapped_column(String(10))
    mood: Mapped[str | None] = mapped_column(String(10))
    labels: Mapped[list[str]] = mapped_column(JSON)
    made_at: Mapped[dt.datetime] = mapped_column(Moment)
    secret: Mapped[str] = mapped_column(String(20))
    chair: Mapped[int | None] = mapped_column(ForeignKey("test_chairs.id"))


class StoredBox(Tables):
    """A box, with what is no text and has no schema."""

    __tablename__ = "test_boxes"

    id: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[Any] = mapped_column(JSON)


class Stool(BaseModel):
    """A new stool."""

    name: Annotated[str, Field(min_length=2)]
    note: Annotated[str, Field(min_length=1)] | None = None
    price: Annotated[Decimal, Field(gt=0, decimal_places=2)]
    painted: bool
    wood: Literal["oak", "ash"] = "oak"
    mood: Literal["good", "bad"] | None = None
    labels: Annotated[list[str], Field(max_length=2)]
    made_at: AwareDatetime = Field(default_factory=lambda: dt.datetime.now(dt.UTC))
    secret: Annotated[str, Field(min_length=3)]
    chair: int | None = None


class StoolChanges(Stool):
    """Changes to a stool."""

    name: Annotated[str, Field(min_length=2)] = "without"
    price: Annotated[Decimal, Field(gt=0, decimal_places=2)] = Decimal(1)
    painted: bool = False
    labels: Annotated[list[str], Field(max_length=2)] = []
    secret: Annotated[str, Field(min_length=3)] = "without"


class StoolPublic(BaseModel):
    """A stool as clients see it."""

    id: int
    name: str
    note: str | None
    price: Decimal
    painted: bool
    wood: str
    mood: str | None
    labels: list[str]
    made_at: dt.datetime
    chair: int | None


OAK = {
    "name": "Oak",
    "note": "",
    "price": "12.50",
    "wood": "ash",
    "mood": "__None",
    "labels": "low\n\n three legs ",
    "made_at": "2030-01-02 03:04:05",
    "secret": "supplier 7",
    "chair": "",
    "save": "Save",
}


@pytest.fixture(scope="module")
def app_with_chairs(engine: Engine) -> Application:
    """Build an application whose admin site has the tables of the tests, too."""
    own = [
        table(StoredChair),
        table(StoredBox, name="Crate"),
        table(StoredStool, Stool, StoolChanges, StoolPublic),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(admin, "TABLES", [*admin.TABLES, *own])
        return add_routes(create_app(Settings(**SETTINGS), Database(engine, timeout=5)))


@pytest.fixture(scope="module")
def shared_site(app_with_chairs: Application) -> Iterator[Client]:
    """Start that application once."""
    with client_of(app_with_chairs) as client:
        client.auth = ADMIN
        yield client


@pytest.fixture
def site(app_with_chairs: Application, shared_site: Client, database: Database) -> Iterator[Client]:
    """Give a client of an admin, with empty tables."""
    with use(app_with_chairs, database):
        yield shared_site


@pytest.fixture
def stored(site: Client, database: Database) -> Callable[..., list[StoredStool]]:
    """Give a function that gives the stools that are stored."""
    assert site.auth

    def stored() -> list[StoredStool]:
        with database.session() as session:
            return list(session.scalars(select(StoredStool).order_by(StoredStool.id)))

    return stored


def add_chair(client: Client, name: str = "Chair", price: str = "49") -> Response:
    data = {"name": name, "price": price, "save": "Save"}
    return client.post("/admin/stored-chair/create", data=data)


def add_stool(client: Client, **others: str) -> Response:
    return client.post("/admin/stored-stool/create", data=OAK | others)


def text_of(answer: Response) -> str:
    """Give what a page shows, without its tags."""
    return " ".join(re.sub(r"<[^>]*>", " ", answer.text).split())


def names_in(answer: Response) -> list[str]:
    return re.findall(r"<td>(Chair[^<]*)</td>", answer.text)


PATHS = [
    ("GET", "/admin/"),
    ("GET", "/admin/stored-chair/list"),
    ("GET", "/admin/stored-chair/details/1"),
    ("GET", "/admin/stored-chair/create"),
    ("POST", "/admin/stored-chair/create"),
    ("GET", "/admin/stored-chair/edit/1"),
    ("POST", "/admin/stored-chair/edit/1"),
    ("DELETE", "/admin/stored-chair/delete?pks=1"),
]


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_nobody_else_gets_in(site: Client, method: str, path: str) -> None:
    add_chair(site)

    #{% if when.jwt %}
    answer = site.request(method, path, auth=NOBODY)
    assert answer.status_code == 302
    assert answer.headers["Location"] == "http://testserver/admin/login"
    for auth in (Bearer(), Bearer("admin", token="x.y.z")):
        assert site.request(method, path, auth=auth).status_code in {302, 403}
    #{% elif when.oidc %}
    # A form is led to a page, from which browsers go on to the issuer.
    status, way = (303, "/login/first") if method == "POST" else (302, "/login")
    for auth in (NOBODY, Bearer("admin", token="x.y.z")):
        answer = site.request(method, path, auth=auth)
        assert answer.status_code == status
        assert answer.headers["Location"] == f"http://testserver/admin{way}"
    assert site.request(method, path, auth=Bearer()).status_code == 403
    #{% else %}
    for auth in (None, ("ada", "wrong"), ("eve", "correct horse")):
        answer = site.request(method, path, auth=auth)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
        assert "Chair" not in answer.text
    #{% endif %}
    assert names_in(site.get("/admin/stored-chair/list")) == ["Chair"]


def test_the_first_page(site: Client) -> None:
    lead = site.get("/admin")
    page = site.get("/admin/")

    assert (lead.status_code, lead.headers["Location"].removeprefix("http://testserver")) == (
        303,
        "/admin/",
    )
    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Cache-Control"] == "no-store"
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert "X-Request-ID" in page.headers
    assert "Test chairs" in text_of(page)
    assert "/admin" not in site.get("/openapi.json").json()["paths"]


def test_what_the_pages_load_comes_from_the_service(site: Client) -> None:
    page = site.get("/admin/stored-chair/create").text
    loaded = set(re.findall(r'<(?:script|link)[^>]* (?:src|href)="([^"]*)"', page))

    assert len(loaded) > 5
    assert "<style" not in page
    assert not re.search(r"<script(?![^>]* src=)", page)
    for url in loaded:
        assert url.startswith("http://testserver/admin/statics/")
        answer = site.get(url)
        assert answer.status_code == 200
        assert answer.headers.get("Cache-Control") != "no-store"


def test_adding_changing_and_deleting(site: Client) -> None:
    added = add_chair(site)
    assert (added.status_code, added.headers["Location"]) == (
        302,
        "http://testserver/admin/stored-chair/list",
    )
    (chair,) = site.get("/test-chairs").json()
    assert chair == {"id": chair["id"], "name": "Chair", "price": 49}
    path = f"/admin/stored-chair/edit/{chair['id']}"
    assert 'value="Chair"' in site.get(path).text

    changed = site.post(path, data={"name": "Chair 2", "price": "50", "save": "Save"})
    assert changed.status_code == 302
    assert site.get("/test-chairs").json() == [{"id": chair["id"], "name": "Chair 2", "price": 50}]

    deleted = site.delete(f"/admin/stored-chair/delete?pks={chair['id']}")
    assert "error" not in deleted.text
    assert site.get("/test-chairs").json() == []


def test_what_cannot_be_a_number_is_told(site: Client) -> None:
    answer = add_chair(site, price="many")

    assert answer.status_code == 400
    assert "Not a valid integer value" in text_of(answer)
    assert site.get("/test-chairs").json() == []


def test_searching_sorting_and_paging(site: Client) -> None:
    for number in range(27):
        add_chair(site, f"Chair {number:02}")
    add_chair(site, "Chair 100%")
    path = "/admin/stored-chair/list"

    assert names_in(site.get(path)) == [f"Chair {number:02}" for number in range(25)]
    assert names_in(site.get(f"{path}?page=2")) == ["Chair 25", "Chair 26", "Chair 100%"]
    assert names_in(site.get(f"{path}?search=chair+1&sortBy=name&sort=desc"))[:2] == [
        "Chair 19",
        "Chair 18",
    ]
    assert names_in(site.get(f"{path}?search=%25")) == ["Chair 100%"]


def test_all_kinds_of_columns(site: Client, stored: Callable[..., list[StoredStool]]) -> None:
    add_chair(site)
    (chair,) = site.get("/test-chairs").json()

    answer = add_stool(site, painted="y", mood="bad", note="Tall", chair=str(chair["id"]))

    assert answer.status_code == 302, text_of(answer)
    (stool,) = stored()
    assert (stool.name, stool.note, stool.price) == ("Oak", "Tall", Decimal("12.50"))
    assert (stool.painted, stool.wood, stool.mood) == (True, "ash", "bad")
    assert (stool.labels, stool.secret) == (["low", "three legs"], "supplier 7")
    assert stool.made_at == dt.datetime(2030, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    assert stool.chair == chair["id"]
    for page in ("list", f"details/{stool.id}"):
        shown = text_of(site.get(f"/admin/stored-stool/{page}"))
        for text in ("Oak", "12.50", "low, three legs", "2030-01-02 03:04:05", "Made at"):
            assert text in shown
        assert "supplier 7" not in shown
        assert "Secret" not in shown


def test_a_form_has_the_defaults(site: Client, stored: Callable[..., list[StoredStool]]) -> None:
    page = site.get("/admin/stored-stool/create").text

    assert '<option selected value="oak">' in page
    assert "An id of the test_chairs." in page
    assert "One a line." in page
    assert stored() == []


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "O"}, "String should have at least 2 characters"),
        ({"price": "0"}, "Input should be greater than 0"),
        ({"price": "1.234"}, "Decimal input should have no more than 2 decimal places"),
        ({"labels": "a\nb\nc"}, "List should have at most 2"),
        ({"wood": "elm"}, "Not a valid choice"),
        ({"made_at": "soon"}, "Not a valid datetime value"),
        ({"secret": ""}, "secret: Field required"),
        ({"chair": "9"}, "This does not fit what is stored"),
    ],
)
def test_what_the_api_refuses_is_refused(
    site: Client,
    stored: Callable[..., list[StoredStool]],
    caplog: pytest.LogCaptureFixture,
    wrong: dict[str, str],
    told: str,
) -> None:
    answer = add_stool(site, **wrong)

    assert answer.status_code == 400
    assert told in text_of(answer)
    assert stored() == []
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_what_is_left_as_it_is(site: Client, stored: Callable[..., list[StoredStool]]) -> None:
    add_stool(site)
    (stool,) = stored()
    path = f"/admin/stored-stool/edit/{stool.id}"
    page = site.get(path).text
    assert "supplier 7" not in page
    assert "low\nthree legs" in page.replace("\r", "")

    answer = site.post(path, data=OAK | {"name": "Ash", "secret": "", "labels": ""})

    assert answer.status_code == 302, text_of(answer)
    (changed,) = stored()
    assert (changed.name, changed.secret, changed.labels) == ("Ash", "supplier 7", [])


def test_a_moment_keeps_what_the_form_does_not_show(
    site: Client, database: Database, stored: Callable[..., list[StoredStool]]
) -> None:
    add_stool(site)
    moment = dt.datetime(2030, 1, 2, 3, 4, 5, 678, tzinfo=dt.UTC)
    with database.session() as session:
        for stool in session.scalars(select(StoredStool)):
            stool.made_at = moment
    path = f"/admin/stored-stool/edit/{stored()[0].id}"

    site.post(path, data=OAK | {"name": "Ash"})

    assert stored()[0].name == "Ash"
    assert stored()[0].made_at.microsecond == 678


def test_what_others_refer_to_stays(site: Client) -> None:
    add_chair(site)
    (chair,) = site.get("/test-chairs").json()
    add_stool(site, chair=str(chair["id"]))

    answer = site.delete(f"/admin/stored-chair/delete?pks={chair['id']}")

    assert answer.text.endswith("?error=This+does+not+fit+what+is+stored")
    assert site.get("/test-chairs").json() == [chair]


def test_a_name_that_is_taken(site: Client, stored: Callable[..., list[StoredStool]]) -> None:
    add_stool(site)

    answer = add_stool(site)

    assert answer.status_code == 400
    assert "This does not fit what is stored" in text_of(answer)
    assert "INSERT" not in answer.text
    assert len(stored()) == 1


@pytest.mark.parametrize("content", ["[]", "{}", "[1, null]", '"text"'])
def test_any_json(site: Client, content: str) -> None:
    added = site.post("/admin/stored-box/create", data={"content": content, "save": "Save"})
    assert added.status_code == 302
    (number,) = re.findall(r"/admin/stored-box/edit/(\d+)", site.get("/admin/stored-box/list").text)

    page = site.get(f"/admin/stored-box/edit/{number}")

    assert f">\r\n{content}</textarea>" in page.text.replace("&#34;", '"')
    assert "Crate" in text_of(page)


@pytest.mark.parametrize("name", ["x", "99", "9223372036854775808", "%00", "1;2"])
@pytest.mark.parametrize("page", ["details", "edit"])
def test_rows_that_there_are_not(site: Client, page: str, name: str) -> None:
    assert site.get(f"/admin/stored-chair/{page}/{name}").status_code == 404


def test_pages_that_there_are_not(site: Client) -> None:
    assert site.get("/admin/nothing/list").status_code == 404
    assert site.get("/admin/nothing").status_code == 404


@pytest.mark.parametrize("site_of", ["https://evil.example", "https://friend.example"])
@pytest.mark.parametrize(("method", "path"), [each for each in PATHS if each[0] != "GET"])
def test_the_pages_of_other_sites_change_nothing(
    site: Client, method: str, path: str, site_of: str
) -> None:
    add_chair(site)

    answer = site.request(method, path, headers={"Origin": site_of})

    assert answer.status_code == 403
    assert answer.json() == {"detail": "This request comes from another site"}
    assert names_in(site.get("/admin/stored-chair/list")) == ["Chair"]


def test_a_body_over_the_limit(site: Client) -> None:
    assert add_chair(site, "x" * 200_000).status_code == 413


def test_a_body_in_chunks(site: Client) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    answer = site.post(
        "/admin/stored-chair/create",
        content=iter([b"name=Chair&", b"price=49&", b"save=Save"]),
        headers=headers,
    )

    assert answer.status_code == 302
    assert len(site.get("/test-chairs").json()) == 1


def test_a_database_that_does_not_answer(site: Client, database: Database) -> None:
    #{% if when.postgresql %}
    nowhere = make_engine("postgresql://127.0.0.1:1/nothing", timeout=1, pool_size=1)
    #{% else %}
    nowhere = make_engine("sqlite:////nowhere/nothing.db", timeout=1, pool_size=1)
    #{% endif %}
    database.sessions.configure(bind=nowhere)

    answer = site.get("/admin/stored-chair/list")

    assert answer.status_code == 503
    assert answer.json() == {"detail": "The database is not available"}
    assert "Retry-After" in answer.headers


def test_a_bug_is_answered_without_what_it_was(
    site: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise LookupError("a secret")

    monkeypatch.setattr(Table, "sort_query", fail)

    answer = site.get("/admin/stored-chair/list")

    assert answer.status_code == 500
    assert answer.json() == {"detail": "Internal Server Error"}
#{% endfilter %}
