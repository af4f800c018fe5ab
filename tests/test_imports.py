"""The filter that gives a module the imports that it needs."""

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from imports import Imports, imports
from jinja2 import Environment


def test_what_is_unused_goes() -> None:
    text = '''
    """A module."""

    from __future__ import annotations

    import json
    from os import path, sep

    from .database import Database
    from .store import ItemStore

    store = ItemStore(path)
    '''
    assert imports(dedent(text)) == dedent(
        '''\
        """A module."""

        from __future__ import annotations

        from os import path

        from .store import ItemStore

        store = ItemStore(path)
        '''
    )


def test_modules_become_one() -> None:
    text = '''
    """The first."""

    from flask import (
        Flask,
    )

    from . import (
        errors,
    )
    from .routes.items import items
    from .security import Logins

    x = 1


    """The second."""

    from pathlib import Path
    import os.path

    from flask import Blueprint
    from flask import Response as Answer

    from .security import Account

    items = Blueprint(os.path, Path, Answer)


    async def create(account: Account) -> Flask:
        """Stay."""
        items, Logins, errors
    '''
    assert imports(dedent(text)) == dedent(
        '''\
        """The first."""

        import os.path
        from pathlib import Path

        from flask import (
            Blueprint,
            Flask,
        )
        from flask import Response as Answer

        from . import errors
        from .security import Account, Logins

        x = 1


        items = Blueprint(os.path, Path, Answer)


        async def create(account: Account) -> Flask:
            """Stay."""
            items, Logins, errors
        '''
    )


@pytest.mark.parametrize("first", ["@abc", "def f():", "async def f():", "class F:"])
def test_two_lines_are_blank_before_a_definition(first: str) -> None:
    body = f"{first}\nclass F(abc):\n    abc\n" if first == "@abc" else f"{first}\n    abc\n"
    assert imports(f"import abc\n{body}") == f"import abc\n\n\n{body}"


def test_a_module_may_need_no_imports() -> None:
    assert imports('"""A module."""\n\nimport abc\n\nx = 1\n') == '"""A module."""\n\nx = 1\n'
    assert imports("import abc\n\n\ndef f():\n    pass\n") == "def f():\n    pass\n"


def test_ruff_finds_nothing_to_change(tmp_path: Path) -> None:
    modules = ["zoo", "os", "collections.abc", "contextlib", ".b", ".", ".a", "abc.d", "alpha.b"]
    names = ["ID", "Item", "Another", "_own", "a", "b", "read_what_is_long", "write_it", "C as d"]
    lines = [
        f"from {module} import {name}{number}"
        for number, module in enumerate(modules)
        for name in reversed(names)
    ]
    used = [line.split()[-1] for line in lines]
    text = imports("\n".join([*lines, "import zlib", "import ast", "print(ast, zlib)", *used]))
    path = tmp_path / "module.py"
    path.write_text(text)

    for command in (["check", "--select", "I,F401", "--fix"], ["format"]):
        options = ["--isolated", "--line-length", "100", "--quiet", str(path)]
        subprocess.run([sys.executable, "-m", "ruff", *command, *options], check=True)

    assert path.read_text() == text
    assert text.count("import") == len(modules) * 2 + 2


def test_what_is_no_python_is_not_written() -> None:
    with pytest.raises(SyntaxError):
        imports("from . import (\n")


def test_templates_can_use_it() -> None:
    environment = Environment(extensions=[Imports])  # noqa: S701 - no HTML
    text = "{% filter imports %}from . import a, b\nprint(b)\n{% endfilter %}"
    assert environment.from_string(text).render() == "from . import b\n\nprint(b)\n"
