#{% filter fitted %}
#{% filter about(resource) %}
"""The page of the [[ resource.labels ]]."""

from html import unescape
from typing import Any

import pytest
from httpx2 import Client
#{% if resource.foreign %}
from test_widgets import create, references
#{% else %}
from test_widgets import create
#{% endif %}

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.store import WidgetStore
#{% endfilter %}

PATH = "/pages/widgets"
FORM: dict[str, Any] = [[ resource.form ]]
STORED: dict[str, Any] = [[ resource.stored ]]


def listed(client: Client) -> list[dict[str, Any]]:
    return list(client.get("/widgets").json()["items"])


def test_it_is_empty_at_first(client: Client) -> None:
    answer = client.get(PATH)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "There are no [[ resource.labels ]] yet" in answer.text


def test_it_shows_what_there_is(client: Client) -> None:
    made = create(client)

    text = unescape(client.get(PATH).text)

    assert f"<td>{made['id']}</td>" in text
    #{% for name in resource.plainly_shown %}
    assert f"<td>{made['[[ name ]]']}</td>" in text
    #{% endfor %}


def test_it_shows_some_of_many(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    page = WidgetStore.page

    def short_page(store: WidgetStore, *asked: Any) -> object:
        widgets, total = page(store, *asked)
        return widgets[:2], total

    monkeypatch.setattr(WidgetStore, "page", short_page)
    for _ in range(3):
        create(client)

    assert "The first 2 of 3 [[ resource.labels ]]." in client.get(PATH).text


def test_its_form_adds_one(client: Client) -> None:
    #{% if resource.foreign %}
    others = references(client)

    answer = client.post(PATH, data=FORM | others)

    assert answer.status_code == 303
    assert answer.headers["Location"] == PATH
    (made,) = listed(client)
    assert made == {"id": made["id"], **STORED, **others}
    #{% else %}
    answer = client.post(PATH, data=FORM)

    assert answer.status_code == 303
    assert answer.headers["Location"] == PATH
    (made,) = listed(client)
    assert made == {"id": made["id"], **STORED}
    #{% endif %}


#{% if resource.required %}
def test_an_empty_form_is_wrong_everywhere_it_must_be_filled(client: Client) -> None:
    answer = client.post(PATH)

    assert answer.status_code == 422
    assert answer.text.count("aria-invalid") == [[ resource.required | length ]]
    assert listed(client) == []


#{% else %}
def test_an_empty_form_will_do(client: Client) -> None:
    assert client.post(PATH).status_code == 303
    assert len(listed(client)) == 1


#{% endif %}
@pytest.mark.parametrize(
    ("part", "value"),
    [
        #{% for line in resource.mistyped %}
        [[ line ]],
        #{% endfor %}
    ],
)
def test_it_says_what_is_wrong_beside_the_field(client: Client, part: str, value: str) -> None:
    #{% if resource.foreign %}
    answer = client.post(PATH, data=FORM | references(client) | {part: value})
    #{% else %}
    answer = client.post(PATH, data=FORM | {part: value})
    #{% endif %}

    text = unescape(answer.text)
    assert answer.status_code == 422
    assert text.count("aria-invalid") == 1
    assert f'<small id="hint-{part}" class="error">' in text
    assert all(kept in text for name, kept in FORM.items() if name != part)
    assert listed(client) == []


def test_the_home_page_leads_to_it(client: Client) -> None:
    assert f'href="{PATH}"' in client.get("/").text


def test_it_is_not_part_of_the_api(client: Client) -> None:
    assert PATH not in client.get("/openapi.json").json()["paths"]
#{% if when.auth %}


def test_its_form_needs_credentials(client: Client, anonymous: Client) -> None:
    #{% if when.login_page %}
    answer = anonymous.post(PATH, data=FORM)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/login")
    #{% else %}
    assert anonymous.post(PATH, data=FORM).status_code == 401
    #{% endif %}
    assert anonymous.get(PATH).status_code == 200
    assert listed(client) == []
#{% endif %}
#{% endfilter %}
#{% endfilter %}
