"""The report of a run."""

from __future__ import annotations

from html.parser import HTMLParser

from matrix.plugin import ROOT
from matrix.report import Run, page, summary
from servicewright.variants import fair, variants

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Reader(HTMLParser):
    """Reads a page, and keeps what it is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[dict[str, str | None]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.attributes.append(dict(attrs))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """See that elements are closed in order."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.text += data


def run(id_: str, answers: dict[str, object], **others: object) -> Run:
    """Give a run that passed."""
    about: dict[str, object] = {
        "same_as": None,
        "tests": 100,
        "problems": [],
        "seconds": 2.0,
        "cpu": {"render": 0.25, "environment": 0.0, "suite": 1.5},
        "date": "2026-11-29",
    }
    return Run(id=id_, answers=answers, **{**about, **others})  # type: ignore[arg-type]


def test_a_page_about_every_variant() -> None:
    space = variants(ROOT)
    some = [space[number] for number in fair(space, "1/16")]
    assert len(some) > 1000
    runs = [run(variant.id, dict(variant.answers)) for variant in some]

    read = Reader(page(runs, 290.0))

    assert read.open == []
    assert f"All {len(runs)} variants pass" in read.text
    assert "4 min 50 s" in read.text
    titles = [attributes["title"] or "" for attributes in read.attributes if "title" in attributes]
    assert sorted(title.partition(":")[0] for title in titles) == sorted(one.id for one in runs)
    assert not any("src" in attributes or "href" in attributes for attributes in read.attributes)


def test_what_failed_and_what_was_slow() -> None:
    runs = [
        run("fastapi", {"framework": "fastapi", "pages": False}, seconds=1.0),
        run("fastapi-pages", {"framework": "fastapi", "pages": True}, seconds=9.0),
        run("flask", {"framework": "flask", "pages": False}, problems=["<b>: failed"]),
        run("flask-pages", {"framework": "flask", "pages": True}, same_as="flask", seconds=0.0),
    ]

    text = page(runs, 12.0)
    read = Reader(text)

    assert read.open == []
    assert "1 of 4 variants fail" in read.text
    assert "<b>: failed" in read.text
    assert "<b>:" not in text
    assert {"href": "#flask", "aria-label": "flask: 2.0 s, 100 tests, failed"} in read.attributes
    assert "same bytes as flask" in text
    times = text[text.index("Slowest first") :]
    assert times.index("fastapi-pages") < times.index("flask<") < times.index("fastapi<")


def test_summary() -> None:
    runs = [
        run("fastapi", {"framework": "fastapi"}),
        run("flask", {"framework": "flask"}, same_as="fastapi"),
        run("flask-cors", {"framework": "flask"}, same_as="flask-cors", earlier=True),
    ]

    assert summary(runs) == [
        "3 variants: 3 passed, 0 failed.",
        (
            "1 suites were run, with 100 tests; 1 read the same bytes as one of these, "
            "1 as one that passed in an earlier run."
        ),
        "Processor time of a variant: render 0.250 s, environment 0.000 s, suite 1.500 s.",
    ]


def test_the_page_needs_nothing_else() -> None:
    text = page([run("flask", {"framework": "flask"})], 1.0)

    assert "http" not in text
    assert "<script" not in text
