"""What the template writes comes with the names that the user gave, where that is certain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from commands import run
from repositories import commit

from servicewright.renaming import learn

if TYPE_CHECKING:
    from pathlib import Path

STORE = '''"""Keeps the items."""


class ItemStore:
    """Finds items."""

    def add_item(self, item: dict[str, str]) -> None:
        """Add an item."""
        for name, value in item.items():
            print(name, value)
        configure(render_item=self.items, item_id=1)
'''
# As an editor renames it: not the method of a dictionary, nor the argument of a library.
RENAMED = (
    STORE.replace("ItemStore", "ProductStore")
    .replace("add_item(self, item:", "add_product(self, product:")
    .replace("in item.", "in product.")
    .replace("self.items, item_id", "self.products, product_id")
)
NEW = '''from .store import ItemStore


def list_items(store: ItemStore, item_limit: int) -> None:
    """List the items."""
    store.configure(render_item=1, other_item=2)
    for item, _ in store.items():
        list_items(item, item_limit)
'''


def test_names_are_others_and_those_of_libraries_stay() -> None:
    written = [("store.py", STORE), ("new.py", NEW)]
    learned = learn([("store.py", STORE, RENAMED)], written)
    assert learned.words == {"item": "product", "items": "products"}
    assert learned.apply("store.py", STORE) == RENAMED
    # What text says was left, so it is left in what is new too.
    assert learned.apply("new.py", NEW) == (
        NEW.replace("ItemStore", "ProductStore")
        .replace("list_items", "list_products")
        .replace("item_limit", "product_limit")
        .replace("for item,", "for product,")
        .replace("(item,", "(product,")
    )


def test_text_follows_if_all_of_it_was_renamed() -> None:
    ours = RENAMED.replace("Keeps the items", "Keeps the products")
    ours = ours.replace("Finds items", "Finds products").replace("Add an item", "Add an product")
    learned = learn([("store.py", STORE, ours)], [("new.py", NEW)])
    assert '"""List the products."""' in learned.apply("new.py", NEW)
    assert learned.apply("a.html", "{{ items }}") == "{{ items }}"
    page = ("home.html", "<p>{{ items }}", "<p>{{ products }}")
    learned = learn([("store.py", STORE, ours), page], [("new.py", NEW)])
    assert learned.apply("a.html", "{{ item }}") == "{{ product }}"


@pytest.mark.parametrize(
    "ours",
    [
        STORE,
        # One name is no word.
        STORE.replace("ItemStore", "ProductStore"),
        # The word is another one in another name.
        RENAMED.replace("add_product", "add_thing"),
        # It was there before.
        RENAMED.replace("product", "store").replace("Product", "Store"),
        # More than names was changed.
        RENAMED + "\n\nx = 1\n",
        RENAMED.replace("print(name, value)", "print(name,"),
    ],
)
def test_what_is_not_certain_renames_nothing(ours: str) -> None:
    learned = learn([("store.py", STORE, ours)], [("store.py", STORE), ("new.py", NEW)])
    assert learned.words == {}


def test_a_name_of_the_templates_is_followed_alone() -> None:
    base = "from .app import create_app\n\napp = create_app(create_app)\n"
    written = [("app.py", "def create_app() -> None: ...\n")]
    ours = base.replace("create_app", "build")
    learned = learn([("main.py", base, ours)], written)
    assert learned.told == {"create_app": "build"}
    assert learned.apply("new.py", base) == ours
    assert learn([("main.py", base, ours)], written, ["create_app = 1\n"]).told == {}
    # It is a library's, or another one in some places, or was there.
    for pair, texts in (
        ((base, ours), []),
        ((base, ours.replace("= build", "= make")), written),
        ((base, ours), [*written, ("b.py", "build = 1\n")]),
    ):
        assert learn([("main.py", *pair)], texts).told == {}


def test_what_stands_before_paths_is_followed() -> None:
    base = 'ask("/items")\nask(f"/items/{x}")\nask("/items/1/a")\nask("/health")\n'
    ours = base.replace("/items", "/api/items")
    learned = learn([("tests/a.py", base, ours)], [])
    assert learned.told == {"/items": "/api/items"}
    assert learned.apply("tests/a.py", base) == ours
    assert learned.apply("tests/b.py", 'x = "/items", "/other"\n') == (
        'x = "/api/items", "/other"\n'
    )
    assert learned.apply("src/b.py", base) == base
    for other in (base, ours.replace("/api/items/1", "/items/1"), ours.replace('/a"', '/b"')):
        assert learn([("tests/a.py", base, other)], []).told == {}


def test_variables_of_the_environment_are_followed_in_each_file() -> None:
    base = "A=1\nLOG_LEVEL=INFO\nPORT=8000\nHOST=${PORT}\n"
    ours = "X_A=1\nX_LEVEL=INFO\nX_PORT=8000\nX_HOST=${PORT}\n"
    learned = learn([(".env.example", base, ours)], [])
    assert learned.told == {"LOG_LEVEL": "X_LEVEL", "each VARIABLE": "X_VARIABLE"}
    assert learned.apply(".env.example", f"{base}NEW=1\n") == f"{ours}X_NEW=1\n"
    assert learned.apply("compose.yaml", base) == base
    # Not all have it, or there are others besides.
    learned = learn([(".env.example", f"{base}MORE=1\n", f"{ours}MORE=1\nOWN=2\n")], [])
    assert learned.apply(".env.example", "A=1\nNEW=1\n") == "X_A=1\nNEW=1\n"
    assert learn([(".env.example", base, base.replace("PORT", "X_PORT"))], []).told == {}


def test_an_update_comes_with_the_names_of_the_project(small: Path, project: Path) -> None:
    (small / "template" / "store.py").write_text(STORE)
    commit(small, tag="1.1.0")
    assert run("update").exit_code == 0
    (project / "store.py").unlink()
    (project / "products.py").write_text(RENAMED)
    commit(project)
    fixed = STORE.replace("print(name, value)", "print(value, item)")
    (small / "template" / "store.py").write_text(fixed)
    (small / "template" / "new.py").write_text(NEW)
    commit(small, tag="1.2.0")

    result = run("update")

    assert result.exit_code == 0
    assert result.stderr == (
        "Warning: What comes is written with your names (item is product, items is products): see "
        "whether they fit.\n"
    )
    assert (project / "products.py").read_text() == (
        RENAMED.replace("print(name, value)", "print(value, product)")
    )
    assert not (project / "store.py").exists()
    assert "def list_products(store: ProductStore, product_limit: int)" in (
        (project / "new.py").read_text()
    )
