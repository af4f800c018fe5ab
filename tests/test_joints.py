"""The template is feature folders; only the files that join them have conditions, and few."""

import re
from collections import Counter
from pathlib import Path

# Conditional blocks in the files outside the folders of features, as many as there are today.
# A feature that needs many more has its joint in the wrong place: this number may shrink.
JOINTS = 216

CONDITION = re.compile(r"#\{%\s*(?:el)?if\b")
# The two frameworks are the edges where features are joined, and modular is how they are.
EDGES = {"[[ when.fastapi ]]", "[[ when.flask ]]", "[[ when.modular ]]"}


def joints(template: Path) -> Counter[str]:
    """Count the conditions in each file that belongs to no feature."""
    counted: Counter[str] = Counter()
    for path in sorted((template / "template").rglob("*")):
        parts = path.relative_to(template / "template").parts
        folders = {part for part in parts if part.startswith("[[ when.")}
        if path.is_file() and folders <= EDGES:
            counted["/".join(parts)] = len(CONDITION.findall(path.read_text(encoding="utf-8")))
    return +counted


def test_no_more_joints_than_before(template: Path) -> None:
    counted = joints(template)

    assert counted.total() <= JOINTS, counted.most_common()


def test_a_condition_outside_the_folders_is_counted(tmp_path: Path) -> None:
    inside = tmp_path / "template" / "[[ when.cors ]]" / "[[ when.flask ]]" / "cors.py"
    outside = tmp_path / "template" / "[[ when.flask ]]" / "app.py"
    for path in (inside, outside):
        path.parent.mkdir(parents=True)
        path.write_text("#{% if when.cors %}\n#{% elif when.pages %}\n#{% else %}\n#{% endif %}\n")

    assert joints(tmp_path) == {"[[ when.flask ]]/app.py": 2}
