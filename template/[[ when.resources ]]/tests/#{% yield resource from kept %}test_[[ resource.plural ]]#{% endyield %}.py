#{% filter fitted %}
#{% filter about(resource) %}
"""The [[ resource.labels ]]."""

#{% if resource.counted %}
from itertools import count
#{% endif %}
from typing import Any

import pytest
from httpx2 import Client, Response
#{% for field in resource.targets %}
#{% filter replace("TARGETS", field.targets) | replace("TARGET", field.target) %}
from test_TARGETS import create as create_TARGET
#{% endfilter %}
#{% endfor %}

PATH = "/widgets"
SENT: dict[str, Any] = [[ resource.sent ]]
#{% if resource.required and resource.defaulted %}
REQUIRED = [[ resource.needed_list ]]
#{% endif %}
#{% if resource.known_defaults %}
DEFAULTS: dict[str, Any] = [[ resource.known_defaults ]]
#{% endif %}
#{% if resource.secret %}
SECRET = [[ resource.secret_list ]]
#{% endif %}
#{% if resource.foreign %}
# Where what it refers to is.
REFERENCES = [[ resource.referred ]]
#{% endif %}
#{% if resource.counted %}
NUMBERS = count(1)
#{% endif %}


#{% if resource.foreign %}
def references(client: Client) -> dict[str, Any]:
    return [[ resource.made ]]


def sent(client: Client, **changes: Any) -> dict[str, Any]:
    #{% if resource.counted %}
    number = next(NUMBERS)
    own = [[ resource.numbered ]]
    return SENT | own | references(client) | changes
    #{% else %}
    return SENT | references(client) | changes
    #{% endif %}
#{% else %}
def sent(**changes: Any) -> dict[str, Any]:
    #{% if resource.counted %}
    number = next(NUMBERS)
    own = [[ resource.numbered ]]
    return SENT | own | changes
    #{% else %}
    return SENT | changes
    #{% endif %}
#{% endif %}


def shown(body: dict[str, Any]) -> dict[str, Any]:
    #{% if resource.secret %}
    return {name: value for name, value in body.items() if name not in SECRET}
    #{% else %}
    return dict(body)
    #{% endif %}


def create(client: Client, **changes: Any) -> dict[str, Any]:
    answer = client.post(PATH, json=sent([[ resource.client_and ]]**changes))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def wrong_parts(answer: Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [".".join(map(str, field["loc"][:2])) for field in answer.json()["detail"]]


def test_create(client: Client) -> None:
    create(client)
    body = sent([[ resource.client ]])

    answer = client.post(PATH, json=body)

    made = answer.json()
    assert answer.status_code == 201
    assert made == {"id": made["id"], **shown(body)}
    assert answer.headers["Location"] == f"{PATH}/{made['id']}"
    assert client.get(answer.headers["Location"]).json() == made


#{% if resource.defaulted %}
def test_create_with_defaults(client: Client) -> None:
    #{% if resource.required %}
    body = {name: value for name, value in sent([[ resource.client ]]).items() if name in REQUIRED}
    #{% else %}
    body: dict[str, Any] = {}
    #{% endif %}

    answer = client.post(PATH, json=body)

    assert answer.status_code == 201
    #{% if resource.known_defaults %}
    assert answer.json().items() >= DEFAULTS.items()
    #{% endif %}
    #{% for name in resource.computed %}
    assert answer.json()["[[ name ]]"]
    #{% endfor %}


#{% endif %}
#{% if resource.amount_list %}
@pytest.mark.parametrize("part", [[ resource.amount_list ]])
def test_an_amount_has_cents(client: Client, part: str) -> None:
    assert create(client, **{part: "7.5"})[part] == "7.50"


#{% endif %}
def test_ids_differ(client: Client) -> None:
    first, second = create(client), create(client)
    client.delete(f"{PATH}/{first['id']}")

    third = create(client)

    assert len({made["id"] for made in (first, second, third)}) == 3
    assert client.get(PATH).json()["items"] == [second, third]


BAD: list[tuple[str, Any]] = [
    #{% for line in resource.bad %}
    [[ line ]],
    #{% endfor %}
]


@pytest.mark.parametrize(("part", "value"), BAD)
def test_refuses_a_bad_part(client: Client, part: str, value: object) -> None:
    answer = client.post(PATH, json=sent([[ resource.client_and ]]**{part: value}))

    assert wrong_parts(answer) == [f"body.{part}"]


#{% if resource.required %}
@pytest.mark.parametrize("part", [[ "REQUIRED" if resource.defaulted else resource.needed_list ]])
def test_needs_a_part(client: Client, part: str) -> None:
    body = {name: value for name, value in [[ resource.body ]].items() if name != part}

    assert wrong_parts(client.post(PATH, json=body)) == [f"body.{part}"]


#{% endif %}
#{% if resource.told %}
def test_does_not_repeat_what_was_sent(client: Client) -> None:
    #{% filter replace("CLIENT, ", resource.client_and) %}
    answer = client.post(PATH, json=sent(CLIENT, LIMITED_TEXT="secret" * 2000))
    #{% endfilter %}

    assert answer.status_code == 422
    assert set(answer.json()["detail"][0]) == {"loc", "msg", "type"}
    assert "secret" not in answer.text


#{% endif %}
def test_read(client: Client) -> None:
    #{% if resource.wide %}
    made = create(client, PUBLIC_TEXT="Stühle 椅子 🪑")
    #{% else %}
    made = create(client)
    #{% endif %}

    answer = client.get(f"{PATH}/{made['id']}")

    assert answer.status_code == 200
    assert answer.json() == made
    #{% if resource.wide %}
    assert answer.json()["[[ resource.wide ]]"] == "Stühle 椅子 🪑"
    #{% endif %}


#{% for field in resource.moments %}
#{% filter replace("MOMENT", field.name) %}
def test_MOMENT_is_told_in_utc(client: Client) -> None:
    made = create(client, MOMENT="2026-01-31T12:00:00+02:00")

    assert made["MOMENT"] == "2026-01-31T10:00:00Z"
    assert client.get(f"{PATH}/{made['id']}").json() == made


#{% endfilter %}
#{% endfor %}
def test_list(client: Client) -> None:
    made = [create(client) for _ in range(3)]

    answer = client.get(PATH)

    assert answer.status_code == 200
    assert answer.json() == {"items": made, "total": 3, "limit": 20, "offset": 0}


def test_list_is_empty_at_first(client: Client) -> None:
    assert client.get(PATH).json() == {"items": [], "total": 0, "limit": 20, "offset": 0}


#{% if resource.searched %}
@pytest.mark.parametrize("part", [[ resource.searched_list ]])
def test_list_by_a_text(client: Client, part: str) -> None:
    #{% if resource.alike_list != "[]" %}
    others = dict.fromkeys([[ resource.alike_list ]], "x")
    for text in ("Chair", "Table", "Armchair", "100% wool"):
        create(client, **others | {part: text})
    #{% else %}
    for text in ("Chair", "Table", "Armchair", "100% wool"):
        create(client, **{part: text})
    #{% endif %}

    def found(text: str) -> list[str]:
        page = client.get(PATH, params={"q": text}).json()
        assert page["total"] == len(page["items"])
        return [made[part] for made in page["items"]]

    assert found("chair") == ["Chair", "Armchair"]
    assert found("CHAIR") == ["Chair", "Armchair"]
    assert found("%") == ["100% wool"]
    assert found("_") == []
    assert len(found("")) == 4


#{% endif %}
def test_list_in_pages(client: Client) -> None:
    made = [create(client) for _ in range(5)]

    page = client.get(PATH, params={"limit": 2, "offset": 3}).json()

    assert page == {"items": made[3:5], "total": 5, "limit": 2, "offset": 3}
    assert client.get(PATH, params={"offset": 5}).json()["items"] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "many"),
        ("limit", ""),
        ("offset", "-1"),
        ("offset", str(10**20)),
        #{% for field in resource.references %}
        ("[[ field.name ]]", "0"),
        ("[[ field.name ]]", "one"),
        ("[[ field.name ]]", ""),
        #{% endfor %}
        #{% if resource.searched %}
        ("q", "x" * 101),
        ("q", "\0"),
        #{% endif %}
    ],
)
def test_refuses_a_bad_query(client: Client, name: str, value: str) -> None:
    assert wrong_parts(client.get(PATH, params={name: value})) == [f"query.{name}"]


def test_the_last_of_several_values_counts(client: Client) -> None:
    assert client.get(f"{PATH}?limit=3&limit=4").json()["limit"] == 4


CHANGES: dict[str, Any] = [[ resource.changes ]]


def test_replace(client: Client) -> None:
    made = create(client)
    #{% if resource.foreign %}
    changes = CHANGES | references(client)

    answer = client.put(f"{PATH}/{made['id']}", json=changes)

    assert answer.status_code == 200
    assert answer.json() == {"id": made["id"], **shown(changes)}
    #{% else %}

    answer = client.put(f"{PATH}/{made['id']}", json=CHANGES)

    assert answer.status_code == 200
    assert answer.json() == {"id": made["id"], **shown(CHANGES)}
    #{% endif %}
    assert client.get(f"{PATH}/{made['id']}").json() == answer.json()


#{% if resource.known_defaults %}
def test_a_replacement_keeps_nothing_that_it_does_not_name(client: Client) -> None:
    made = create(client)
    #{% if resource.required %}
    body = {name: value for name, value in sent([[ resource.client ]]).items() if name in REQUIRED}
    #{% else %}
    body: dict[str, Any] = {}
    #{% endif %}

    answer = client.put(f"{PATH}/{made['id']}", json=body)

    assert answer.status_code == 200
    assert answer.json().items() >= DEFAULTS.items()
    assert client.get(f"{PATH}/{made['id']}").json() == answer.json()


#{% endif %}
def test_replace_refuses_a_bad_part(client: Client) -> None:
    made = create(client)
    part, value = BAD[0]

    answer = client.put(f"{PATH}/{made['id']}", json=[[ resource.changed ]] | {part: value})

    assert wrong_parts(answer) == [f"body.{part}"]
    assert client.get(f"{PATH}/{made['id']}").json() == made


@pytest.mark.parametrize("changes", [{}, CHANGES, *({part: CHANGES[part]} for part in CHANGES)])
def test_update(client: Client, changes: dict[str, Any]) -> None:
    made = create(client)

    answer = client.patch(f"{PATH}/{made['id']}", json=changes)

    assert answer.status_code == 200
    assert answer.json() == made | shown(changes)
    assert client.get(f"{PATH}/{made['id']}").json() == answer.json()


#{% if resource.clearable %}
@pytest.mark.parametrize("part", [[ resource.clearable_list ]])
def test_null_clears_a_part(client: Client, part: str) -> None:
    made = create(client)

    answer = client.patch(f"{PATH}/{made['id']}", json={part: None})

    assert answer.status_code == 200
    assert answer.json() == made | shown({part: None})


#{% endif %}
#{% if resource.lasting %}
@pytest.mark.parametrize("part", [[ resource.lasting_list ]])
def test_update_refuses_null(client: Client, part: str) -> None:
    made = create(client)

    answer = client.patch(f"{PATH}/{made['id']}", json={part: None})

    assert wrong_parts(answer) == [f"body.{part}"]
    assert client.get(f"{PATH}/{made['id']}").json() == made


#{% endif %}
def test_update_refuses_a_bad_part(client: Client) -> None:
    made = create(client)
    part, value = BAD[0]

    answer = client.patch(f"{PATH}/{made['id']}", json=CHANGES | {part: value})

    assert wrong_parts(answer) == [f"body.{part}"]
    assert client.get(f"{PATH}/{made['id']}").json() == made


#{% if resource.unlike %}
@pytest.mark.parametrize("part", [[ resource.unique_list ]])
def test_there_is_one_of_each(client: Client, part: str) -> None:
    body, other = sent([[ resource.client ]]), create(client)
    first = client.post(PATH, json=body).json()
    same = sent([[ resource.client_and ]]**{part: body[part]})

    answers = [
        client.post(PATH, json=same),
        client.put(f"{PATH}/{other['id']}", json=same),
        client.patch(f"{PATH}/{other['id']}", json={part: body[part]}),
    ]

    for answer in answers:
        assert answer.status_code == 409
        assert answer.json() == {"detail": "This does not fit what is stored"}
    assert client.get(PATH).json()["items"] == [other, first]


#{% endif %}
#{% if resource.foreign %}
@pytest.mark.parametrize("part", REFERENCES)
def test_refers_to_what_there_is(client: Client, part: str) -> None:
    made = create(client)
    body = sent(client, **{part: 4711})

    answers = [
        client.post(PATH, json=body),
        client.put(f"{PATH}/{made['id']}", json=body),
        client.patch(f"{PATH}/{made['id']}", json={part: 4711}),
    ]

    for answer in answers:
        assert answer.status_code == 409
        assert answer.json() == {"detail": "This does not fit what is stored"}
    assert client.get(PATH).json()["items"] == [made]


@pytest.mark.parametrize("part", REFERENCES)
def test_refers_to_another(client: Client, part: str) -> None:
    made = create(client)
    changes = {part: references(client)[part]}

    answer = client.patch(f"{PATH}/{made['id']}", json=changes)

    assert answer.status_code == 200
    assert answer.json() == made | changes != made
    # Nothing refers to the former one any more.
    assert client.delete(f"{REFERENCES[part]}/{made[part]}").status_code == 204


@pytest.mark.parametrize("part", REFERENCES)
def test_what_is_referred_to_stays(client: Client, part: str) -> None:
    made = create(client)
    path = f"{REFERENCES[part]}/{made[part]}"

    answer = client.delete(path)

    assert answer.status_code == 409
    assert answer.json() == {"detail": "This does not fit what is stored"}
    assert client.get(path).status_code == 200
    client.delete(f"{PATH}/{made['id']}")
    assert client.delete(path).status_code == 204


@pytest.mark.parametrize("part", REFERENCES)
def test_list_by_reference(client: Client, part: str) -> None:
    made, other = create(client), create(client)

    def found(number: int) -> list[Any]:
        page = client.get(PATH, params={part: number}).json()
        assert page["total"] == len(page["items"])
        return list(page["items"])

    assert found(made[part]) == [made]
    assert found(other[part]) == [other]
    assert found(4711) == []


#{% endif %}
#{% if resource.own %}
@pytest.mark.parametrize("part", [[ resource.own_list ]])
def test_refers_to_another_of_its_kind(client: Client, part: str) -> None:
    made, other = create(client), create(client)
    path = f"{PATH}/{made['id']}"

    unknown = client.patch(path, json={part: 4711})
    answer = client.patch(path, json={part: other["id"]})

    assert unknown.status_code == 409
    assert answer.status_code == 200
    assert answer.json() == made | {part: other["id"]}
    assert client.get(PATH, params={part: other["id"]}).json()["items"] == [answer.json()]
    # It stays as long as the other one refers to it.
    assert client.delete(f"{PATH}/{other['id']}").status_code == 409
    assert client.delete(path).status_code == 204
    assert client.delete(f"{PATH}/{other['id']}").status_code == 204


@pytest.mark.parametrize("part", [[ resource.own_list ]])
def test_what_refers_to_itself_may_go(client: Client, part: str) -> None:
    made = create(client)
    path = f"{PATH}/{made['id']}"

    assert client.patch(path, json={part: made["id"]}).json() == made | {part: made["id"]}
    assert client.delete(path).status_code == 204


#{% endif %}
#{% if resource.unique_own_list != "[]" %}
@pytest.mark.parametrize("part", [[ resource.unique_own_list ]])
def test_one_alone_refers_to_another(client: Client, part: str) -> None:
    made = create(client)
    create(client, **{part: made["id"]})

    answer = client.post(PATH, json=sent([[ resource.client_and ]]**{part: made["id"]}))

    assert answer.status_code == 409


#{% endif %}
def test_delete(client: Client) -> None:
    made, other = create(client), create(client)

    answer = client.delete(f"{PATH}/{made['id']}")

    assert answer.status_code == 204
    assert answer.content == b""
    assert "Content-Type" not in answer.headers
    assert client.get(f"{PATH}/{made['id']}").status_code == 404
    assert client.get(PATH).json()["items"] == [other]


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_unknown_widget(client: Client, method: str) -> None:
    body = [[ resource.body ]] if method in {"PUT", "PATCH"} else None

    answer = client.request(method, f"{PATH}/4711", json=body)

    assert answer.status_code == 404
    assert answer.json() == {"detail": "[[ resource.label | capitalize ]] 4711 not found"}


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_bad_widget_id(client: Client, method: str) -> None:
    body = [[ resource.body ]] if method in {"PUT", "PATCH"} else None

    answer = client.request(method, f"{PATH}/one", json=body)

    assert wrong_parts(answer) == ["path.widget_id"]


@pytest.mark.parametrize("number", ["1.5", "0", "-1", str(2**31), str(10**30)])
def test_number_that_is_no_widget_id(client: Client, number: str) -> None:
    assert wrong_parts(client.get(f"{PATH}/{number}")) == ["path.widget_id"]


#{% if resource.secret %}
@pytest.mark.parametrize("part", SECRET)
def test_no_answer_holds_a_secret(client: Client, part: str) -> None:
    #{% if resource.foreign %}
    body = sent(client)
    answers = [client.post(PATH, json=body)]
    #{% else %}
    answers = [client.post(PATH, json=SENT)]
    #{% endif %}
    path = answers[0].headers["Location"]
    answers += [
        client.get(PATH),
        client.get(path),
        client.put(path, json=[[ "body" if resource.foreign else "SENT" ]]),
        client.patch(path, json={part: SENT[part]}),
    ]

    for answer in answers:
        assert answer.is_success
        assert part not in answer.json()
        assert f'"{part}"' not in answer.text


#{% endif %}
def test_widgets_are_documented(client: Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    all_ = paths["/widgets"]
    one = paths["/widgets/{widget_id}"]

    assert set(all_) == {"get", "post"}
    assert set(one) == {"get", "put", "patch", "delete"}
    assert {"200", "404", "422"} <= set(one["put"]["responses"])
    #{% if resource.may_conflict %}
    for operation in (all_["post"], one["put"], one["patch"]):
        assert "409" in operation["responses"]
    #{% endif %}
    #{% if resource.is_target %}
    assert "409" in one["delete"]["responses"]
    #{% endif %}
    assert [p["name"] for p in all_["get"]["parameters"]] == [[ resource.asked_list ]]
    assert all_["post"]["tags"] == ["widgets"]
#{% if resource.secret %}


def test_a_secret_is_only_sent_to_the_service(client: Client) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]

    for part in SECRET:
        assert part in schemas["WidgetCreate"]["properties"]
        assert part not in schemas["WidgetPublic"]["properties"]
#{% endif %}
#{% endfilter %}
#{% endfilter %}
