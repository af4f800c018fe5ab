"""The template is feature folders; only the files that join them have conditions, and few.

How many each feature may have stands in its folder, as ``joints``. A feature that needs many more
has its joint in the wrong place: the numbers may shrink.
"""

import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest
import service

CONDITION = re.compile(r"#\{%\s*(?:el)?if\b(.*?)%\}")
FEATURE = re.compile(r"\bwhen\.(\w+)")
# The two frameworks are the edges where features are joined, and modular is how they are.
EDGES = {"[[ when.fastapi ]]", "[[ when.flask ]]", "[[ when.modular ]]"}


def joints(template: Path) -> dict[str, Counter[str]]:
    """Count, for each feature, the conditions about it in each file that belongs to no feature."""
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for path in sorted((template / "template").rglob("*")):
        parts = path.relative_to(template / "template").parts
        folders = {part for part in parts if part.startswith("[[ when.")}
        if path.is_file() and folders <= EDGES and path.name != "feature.toml":
            for condition in CONDITION.findall(path.read_text(encoding="utf-8")):
                for feature in set(FEATURE.findall(condition)):
                    counted[feature]["/".join(parts)] += 1
    return counted


def ceilings(features: list[service.Feature]) -> dict[str, int]:
    """Give for each feature how many conditions about it there may be outside of its folder."""
    return {
        name: ceiling
        for feature in features
        for name, ceiling in feature.about.get("joints", {}).items()
    }


@pytest.mark.parametrize("feature", sorted(service.WHEN))
def test_no_more_joints_than_before(template: Path, feature: str) -> None:
    counted = joints(template)[feature]
    ceiling = ceilings(service.FEATURES).get(feature, 0)

    files = ", ".join(f"{number} in {path}" for path, number in counted.most_common())
    assert counted.total() <= ceiling, (
        f"{counted.total()} conditions outside of its folder are about {feature}, and {ceiling} "
        f"may be: {files}. Move what belongs to the feature into its folder, or say in the commit "
        "why it needs more and raise the number in its feature.toml."
    )


@pytest.mark.parametrize("framework", ["fastapi", "flask"])
def test_an_application_factory_reads_as_one(template: Path, framework: str) -> None:
    path = template / f"template/[[ when.{framework} ]]/src/[[ package_name ]]/app.py"
    found = [FEATURE.findall(text) for text in CONDITION.findall(path.read_text(encoding="utf-8"))]
    counted = Counter(feature for features in found for feature in features)

    assert {len(features) for features in found} == {1}, "a condition about two features"
    assert max(counted.values()) == 2, f"more than two conditions about a feature: {counted}"


def test_only_features_have_ceilings() -> None:
    assert ceilings(service.FEATURES).keys() <= service.WHEN.keys()


def test_a_condition_outside_the_folders_is_counted(tmp_path: Path) -> None:
    inside = tmp_path / "template" / "[[ when.cors ]]" / "[[ when.flask ]]" / "cors.py"
    outside = tmp_path / "template" / "[[ when.flask ]]" / "app.py"
    for path in (inside, outside):
        path.parent.mkdir(parents=True)
        path.write_text(
            "#{% if when.cors %}\n#{% elif when.pages and when.cors %}\n#{% else %}\n#{% endif %}\n"
        )

    assert joints(tmp_path) == {
        "cors": {"[[ when.flask ]]/app.py": 2},
        "pages": {"[[ when.flask ]]/app.py": 1},
    }
