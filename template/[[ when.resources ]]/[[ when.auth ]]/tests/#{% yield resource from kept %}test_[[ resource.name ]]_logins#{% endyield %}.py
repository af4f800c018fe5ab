#{% filter fitted %}
#{% filter about(resource) %}
"""Who may change the [[ resource.labels ]]."""

from typing import Any

import pytest
from httpx2 import Client
#{% if resource.foreign %}
from test_widgets import create
#{% endif %}

PATH = "/widgets"
#{% if not resource.foreign %}
SENT: dict[str, Any] = [[ resource.sent ]]
#{% endif %}
CHANGES: dict[str, Any] = [[ resource.changes ]]


@pytest.mark.parametrize("credentials", [None, ("ada", "wrong")])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/widgets"),
        ("PUT", "/widgets/{id}"),
        ("PATCH", "/widgets/{id}"),
        ("DELETE", "/widgets/{id}"),
        #{% if when.items_page and when.basic_auth and resource.name == "item" %}
        ("POST", "/"),
        #{% endif %}
    ],
)
def test_changing_widgets_needs_credentials(
    client: Client, anonymous: Client, method: str, path: str, credentials: tuple[str, str] | None
) -> None:
    made = [[ "create(client)" if resource.foreign else "client.post(PATH, json=SENT).json()" ]]

    answer = anonymous.request(method, path.format(**made), json=CHANGES, auth=credentials)

    assert answer.status_code == 401
    assert client.get(PATH).json()["items"] == [made]
    assert anonymous.get(f"{PATH}/{made['id']}").json() == made


def test_changes_are_documented_to_need_credentials(client: Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]

    for path in ("/widgets", "/widgets/{widget_id}"):
        for method, operation in paths[path].items():
            assert ("security" in operation) == (method != "get")
            assert ("401" in operation["responses"]) == (method != "get")
#{% endfilter %}
#{% endfilter %}
