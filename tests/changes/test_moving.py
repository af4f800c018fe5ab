"""What the template writes imports modules from where the user put them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from commands import run
from repositories import commit

from servicewright.moving import learn

if TYPE_CHECKING:
    from pathlib import Path

FILES = [
    f"src/orders/{name}.py" for name in ("app", "custom", "cors", "logs", "routes/items", "store")
]
MOVED = {
    "src/orders/cors.py": "src/orders/web/cors.py",
    "src/orders/logs.py": "src/orders/web/logs.py",
    "src/orders/routes/items.py": "src/orders/web/routes/items.py",
}


@pytest.mark.parametrize(
    ("file", "text", "wanted"),
    [
        ("app", "from .cors import allow\n", "from .web.cors import allow\n"),
        ("app", "from . import cors, logs\n", "from .web import cors, logs\n"),
        ("app", "from .routes.items import a\n", "from .web.routes.items import a\n"),
        # What parted is imported from both; what stayed is left as it is written.
        (
            "app",
            "from . import (\n    cors,\n    custom as own,\n)\n",
            "from . import custom as own\nfrom .web import cors\n",
        ),
        ("app", "from . import (\n    custom,\n    store,\n)\n", None),
        ("app", "from . import (\n    cors,  # why\n    custom,\n)\n", None),
        # From a module that moved: what moved along is where it was, what stayed is further away.
        (
            "cors",
            "from .logs import a\nfrom .store import b\n",
            "from ..store import b\nfrom .logs import a\n",
        ),
        ("cors", "from . import store\n", "from .. import store\n"),
        ("routes/items", "from ..store import a\n", "from ...store import a\n"),
        ("routes/items", "from ..cors import a\n", None),
        # By its whole name, from anywhere, in a function too.
        (
            "app",
            "def a():\n    from orders.logs import b\n",
            "def a():\n    from orders.web.logs import b\n",
        ),
        ("app", "from orders import logs\n", "from orders.web import logs\n"),
        ("app", "from flask.cors import a\nimport cors\n", None),
        (
            "app",
            "from .cors import (\n    a,  # why\n)\n",
            "from .web.cors import (\n    a,  # why\n)\n",
        ),
        ("app", "from .cors import (\n", None),
    ],
)
def test_imports_follow(file: str, text: str, wanted: str | None) -> None:
    moves = learn(MOVED, FILES, FILES)
    assert moves.apply(f"src/orders/{file}.py", text) == (text if wanted is None else wanted)


def test_imports_that_were_sorted_stay_so() -> None:
    text = "import os\n\nfrom .cors import a\nfrom .custom import b\n\nprint(os, a, b)\n"
    wanted = "import os\n\nfrom .custom import b\nfrom .web.cors import a\n\nprint(os, a, b)\n"
    moves = learn(MOVED, FILES, FILES)
    assert moves.apply("src/orders/app.py", text) == wanted
    other = text.replace("from .custom import b\n", "from .custom import b\nfrom .app import c\n")
    assert moves.apply("src/orders/app.py", other) == other.replace(".cors", ".web.cors")


def test_what_is_new_follows_a_folder_that_is_elsewhere() -> None:
    new = [*FILES, "src/orders/routes/users.py", "src/orders/mails.py"]
    text = "from .mails import a\nfrom .routes.users import b\n"
    moves = learn(MOVED, FILES, new)
    assert moves.apply("src/orders/app.py", text) == text.replace(".routes", ".web.routes")


def test_names_that_changed_are_no_moves() -> None:
    moves = learn(
        {"src/orders/cors.py": "src/orders/web/origins.py", "a.py": "b/a.py"}, FILES, FILES
    )
    assert moves.modules == {}


def test_an_update_finds_the_modules_of_the_project(small: Path, project: Path) -> None:
    package = small / "template" / "src" / "orders"
    package.mkdir(parents=True)
    store = "".join(
        f"def number_{number}() -> int:\n    return {number}\n\n" for number in range(9)
    )
    (package / "store.py").write_text(store)
    (package / "app.py").write_text("from .store import number_1\n\nprint(number_1())\n")
    commit(small, tag="1.1.0")
    assert run("update").exit_code == 0
    ours = project / "src" / "orders"
    (ours / "storage").mkdir()
    (ours / "store.py").rename(ours / "storage" / "store.py")
    app = ours / "app.py"
    app.write_text(app.read_text().replace(".store", ".storage.store"))
    commit(project)
    (package / "app.py").write_text(
        "from .store import number_1, number_2\n\nprint(number_1() + number_2())\n"
    )
    (package / "new.py").write_text("from .store import number_3\n\nprint(number_3())\n")
    commit(small, tag="1.2.0")

    result = run("update")

    assert result.exit_code == 0, result.output
    assert app.read_text() == (
        "from .storage.store import number_1, number_2\n\nprint(number_1() + number_2())\n"
    )
    assert (ours / "new.py").read_text().startswith("from .storage.store import number_3\n")
    assert not (ours / "store.py").exists()
