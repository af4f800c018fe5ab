"""Services before they are written."""

import io
import re
import threading
import zipfile
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from httpx2 import Client
from servicewright.questions import word

from servicewright_builder import drafts
from servicewright_builder.drafts import difference, shared
from servicewright_builder.highlighting import highlighted

RESOURCES = "[{name: bottle, fields: [{label: text(80) searched}, {litres: number like 0.7}]}]"


def draft(client: Client, before: str = "", file: str = "", **answers: str) -> dict[str, Any]:
    query = {**answers, "before": before, "file": file}
    answer = client.get("/draft", params=query)
    assert answer.status_code == 200
    shown: dict[str, Any] = answer.json()
    return shown


def files_of(client: Client, **answers: str) -> dict[str, bytes]:
    answer = client.get("/service.zip", params=answers)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def code(preview: str, kind: str = "") -> str:
    """Give the lines that a page shows, or those of one kind."""
    lines = re.findall(rf'<{kind or "(?:ins|del|span)"} class="line".*?>(.*?)\n</', preview)
    return "\n".join(unescape(re.sub("<.*?>", "", line)) for line in lines)


@pytest.fixture(scope="module")
def first(shared_client: Client) -> dict[str, Any]:
    return draft(shared_client)


def test_the_page_asks_everything(client: Client) -> None:
    page = client.get("/").text

    for question in shared().open_questions:
        if question.answers is None:
            assert f' name="{question.name}"' in page
        for answer in question.answers or ():
            assert f'name="{question.name}" value="{word(answer)}"' in page
        assert question.help in unescape(page)
    assert "Packages: alembic, psycopg, sqlalchemy." in page
    assert ">README.md" in page
    # The template answers that one.
    assert "migrated" not in page


def test_an_archive_has_all_files_in_one_folder(client: Client) -> None:
    files = files_of(client, project_name="Old Books", framework="flask")

    assert all(name.startswith("old-books/") for name in files)
    assert files["old-books/README.md"].startswith(b"# Old Books\n")
    assert b"from flask import" in files["old-books/src/old_books/app.py"]


def test_the_same_answers_give_the_same_archive(client: Client) -> None:
    one, two = (client.get("/service.zip?framework=flask") for _ in range(2))

    assert one.content == two.content
    assert one.headers["Content-Disposition"] == 'attachment; filename="service.zip"'


def test_a_service_of_other_resources(client: Client) -> None:
    files = files_of(client, resources=RESOURCES)

    assert "service/src/service/routes/bottles.py" in files
    assert "service/src/service/routes/items.py" not in files


def test_a_service_of_nothing(client: Client) -> None:
    shown = draft(client, resources="[]")

    assert shown["values"]["resources"] == "[]"
    assert shown["problems"] == {}
    assert "items.py" not in shown["preview"]


@pytest.mark.parametrize(
    ("name", "answer", "sentence"),
    [
        ("framework", "flak", "framework must be one of fastapi, flask, not 'flak': did you mean"),
        ("docker", "perhaps", "docker must be yes or no, not 'perhaps': write docker=yes or"),
        ("databse", "none", "There is no question 'databse': did you mean 'database'?"),
        ("project_name", " ", "project_name must not be empty."),
        ("package_name", "flask", "package_name is that of a package the service needs."),
        ("description", "x" * 8001, "description must have at most 8000 characters."),
        ("resources", "[{name: a b}]", "a b: fields must be a list, such as [total: money]."),
        ("resources", "item", "resources must be a list, such as"),
        ("resources", "[", "resources cannot be read: while parsing"),
        ("resources", "[" * 8000, "resources is nested too deeply: write it as the example is"),
        ("resources", "- " * 4000, "resources cannot be read: write it as the example is written."),
        ("resources", "[{a: 2024-99-99}]", "resources cannot be read: write it as the example"),
        ("resources", "[&a x, *a]", "resources must be written out, without & and *."),
        ("resources", str(list(range(21))), "resources may list 20 here: give more to"),
    ],
)
def test_an_answer_that_cannot_be(client: Client, name: str, answer: str, sentence: str) -> None:
    refused = client.get("/service.zip", params={name: answer})
    shown = draft(client, **{name: answer})
    page = client.get("/", params={name: answer})

    assert refused.status_code == 422
    (problem,) = refused.json()["detail"]
    assert problem["loc"] == ["query", name]
    assert problem["msg"].startswith(sentence)
    assert shown["problems"] == {name: problem["msg"]}
    assert shown["preview"] == ""
    assert ' aria-invalid="true"' in page.text or name in {"framework", "docker", "databse"}
    assert page.status_code == 200
    assert problem["msg"] in unescape(page.text)


def test_an_answer_that_is_given_twice(client: Client) -> None:
    answer = client.get("/service.zip?docker=yes&docker=no")

    assert answer.status_code == 422
    assert answer.json()["detail"][0]["msg"] == "docker is given twice: keep one of them."
    assert client.get("/service.zip?docker=no&docker=no").status_code == 200


@pytest.mark.parametrize("path", ["/", "/draft", "/service.zip", "/consequences"])
def test_too_many_answers(client: Client, path: str) -> None:
    answer = client.get(path, params={f"none{number}": "x" * 1000 for number in range(17)})

    assert answer.status_code == 414
    assert answer.json() == {"detail": "The answers have more than 16000 characters"}


def test_a_link_holds_the_answers(client: Client) -> None:
    answers = {"project_name": "Bücher & mehr", "framework": "flask", "resources": RESOURCES}
    shown = draft(client, **answers)

    again = draft(client, **dict(parse_qsl(shown["link"], keep_blank_values=True)))

    assert again["values"] == shown["values"]
    assert again["link"] == shown["link"]
    assert again["values"]["package_name"] == "bucher_mehr"
    assert files_of(client, **answers) == files_of(client, **dict(parse_qsl(shown["link"])))


def test_names_follow_the_name_they_are_derived_from(client: Client, first: dict[str, Any]) -> None:
    values = first["values"]

    followed = draft(client, first["link"], **values | {"project_name": "Orders"})
    chosen = draft(client, first["link"], **values | {"package_name": "own"})
    kept = draft(client, chosen["link"], **chosen["values"] | {"project_name": "Orders"})

    assert followed["values"]["package_name"] == "orders"
    assert kept["values"]["package_name"] == "own"


def test_the_command_is_one_that_a_shell_takes(client: Client) -> None:
    shown = draft(client, project_name="Robin's", docker="no")

    preview = unescape(shown["preview"])
    assert "servicewright new robin-s --defaults \\\n  --set " in preview
    assert """--set 'project_name=Robin'"'"'s'""" in preview
    assert "--set docker=no</textarea>" in preview
    assert "curl --output robin-s.zip 'http://testserver/service.zip?" in preview


def test_what_an_answer_changes_is_marked(client: Client, first: dict[str, Any]) -> None:
    shown = draft(client, first["link"], "src/service/app.py", **first["values"] | {"cors": "yes"})

    assert re.fullmatch(r"\d+ files; the last answer made 4 new, \d+ changed\.", shown["summary"])
    assert re.search(r'class="new">origins.py</a> <span class="mark new">new<', shown["preview"])
    assert re.search(r'class="changed">app.py</a> <span class="mark changed">', shown["preview"])
    assert "cors" in code(shown["preview"], "ins")
    assert code(shown["preview"], "del") == ""


def test_what_an_answer_takes_away_is_shown(client: Client, first: dict[str, Any]) -> None:
    gone = "src/service/database.py"
    shown = draft(client, first["link"], gone, **first["values"] | {"database": "none"})

    assert " gone." in shown["summary"]
    assert "sqlalchemy" in code(shown["preview"], "del")
    assert code(shown["preview"], "ins") == ""


def test_an_answer_that_changes_nothing(client: Client, first: dict[str, Any]) -> None:
    flow = {"resources": shared().draw_up([]).answers["resources"]}
    same = draft(client, first["link"], **first["values"] | {"framework": "fastapi"})
    other = draft(client, **first["values"] | {"python_version": "3.12"})
    named = draft(client, other["link"], **other["values"])

    assert same["summary"] == named["summary"] == first["summary"]
    assert draft(client, **{k: str(v) for k, v in flow.items()})["link"] == first["link"]


def test_a_new_name_of_the_package_is_no_new_service(client: Client, first: dict[str, Any]) -> None:
    shown = draft(client, first["link"], **first["values"] | {"package_name": "own"})

    assert " new" not in shown["summary"]
    assert " gone" not in shown["summary"]


def test_a_mistake_before_is_no_difference(client: Client) -> None:
    shown = draft(client, "framework=flak", framework="flask")

    assert "no difference" in shown["summary"] or shown["summary"].endswith(" files.")


def test_any_file_is_shown_as_it_is(client: Client) -> None:
    files = files_of(client, pages="yes", database="postgresql")

    for path in ("service/.dockerignore", "service/.env.example", "service/src/service/app.py"):
        shown = draft(
            client, file=path.removeprefix("service/"), pages="yes", database="postgresql"
        )
        assert code(shown["preview"]) == files[path].decode().rstrip("\n")


def test_a_file_that_is_not_there(client: Client, first: dict[str, Any]) -> None:
    assert draft(client, file="../../etc/passwd") == first
    assert re.search(r'data-file="README.md" aria-current="true">', first["preview"])


def test_presets_are_links(client: Client) -> None:
    page = unescape(client.get("/").text)
    link = re.search(r'data-query="(.*?)" data-names="[\w ]*" title=".*?">minimal<', page)
    assert link

    values = draft(client, **dict(parse_qsl(link[1], keep_blank_values=True)))["values"]

    assert values["database"] == "none"
    assert values["docker"] == "no"


def test_what_answers_bring(client: Client) -> None:
    brings = client.get("/consequences?framework=flask").json()

    assert "To be set: DATABASE_URL." in brings["database"]["postgresql"]
    assert set(brings["docker"]) == {"yes", "no"}


def test_questions_for_scripts(client: Client) -> None:
    listed = {question["name"]: question for question in client.get("/questions").json()}

    assert listed["framework"]["answers"] == ["fastapi", "flask"]
    assert listed["framework"]["default"] == "fastapi"
    assert listed["docker"] == {
        "name": "docker",
        "help": "A container image served by gunicorn?",
        "answers": ["no", "yes"],
        "default": "yes",
    }
    assert listed["project_name"]["answers"] is None


def test_a_terminal_is_told_in_text(client: Client) -> None:
    answer = client.get("/", headers={"User-Agent": "curl/8.0"})

    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "curl --get --output service.zip http://testserver/service.zip" in answer.text
    assert "framework=fastapi|flask" in answer.text


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(drafts, "PATIENCE", 0.01)
    turn: threading.Lock = vars(shared())["_turn"]
    with turn:
        yield


@pytest.mark.usefixtures("busy")
def test_who_waits_too_long_is_told(client: Client) -> None:
    answer = client.get("/service.zip")

    assert answer.status_code == 503
    assert answer.json() == {"detail": "Too many services are being drawn up"}
    assert answer.headers["Retry-After"] == "1"


def test_what_was_asked_for_long_ago_is_not_kept(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "KEPT", 2)
    held = vars(shared())["_drafts"]
    held.clear()

    for name in ("One", "Two", "Three"):
        files_of(client, project_name=name)

    assert [dict(parse_qsl(link))["project_name"] for link in held] == ["Two", "Three"]


def test_a_template_is_remembered_by_its_address(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared(), "_address", "https://git.example.com/template.git")

    answers = files_of(client, project_name="Elsewhere")["elsewhere/.copier-answers.yml"]

    assert b"\n_src_path: https://git.example.com/template.git\n" in answers


def test_differences_of_lines() -> None:
    assert difference(["a", "c"], ["a", "b"]) == [("", 0), ("gone", 1), ("new", 1)]
    assert difference(["a"], []) == [("new", 0)]


def test_every_line_is_kept_by_highlighting() -> None:
    assert len(highlighted("no.such-syntax", "\n\na\u2028b\n")) == 3
    assert highlighted("x.py", "") == []


def test_markup_in_answers_stays_text(client: Client) -> None:
    page = client.get("/", params={"project_name": "<b>&amp;", "file": '"><script>'}).text

    assert "<b>&amp;" not in page
    assert "&lt;b&gt;&amp;amp;" in page
    assert "<script>" not in page.replace("<script src=", "")
    assert urlencode({"project_name": "<b>&amp;"}) in unescape(page)
