"""A figure's paths are shorter than Matplotlib's, and lead through the same points."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from ecgan.generation.figures import samples_figure
from ecgan.reporting.style import _compact_path, legal


def points(path: str) -> list[tuple[float, float]]:
    """Where a path of M, l, h, v and z goes."""
    found, x, y, start = [], 0.0, 0.0, (0.0, 0.0)
    for command, numbers in re.findall(r"([Mlhvz])([^Mlhvz]*)", path):
        given = [float(number) for number in numbers.split()]
        if command == "z":
            x, y = start
        elif command == "M":
            x, y = given
            start = (x, y)
        else:
            dx, dy = {"l": given, "h": [*given, 0.0], "v": [0.0, *given]}[command]
            x, y = x + dx, y + dy
        found.append((x, y))
    return found


def test_a_short_path_leads_through_the_same_points_without_drift() -> None:
    walk = np.random.default_rng(0).normal(0, 3, (400, 2)).cumsum(axis=0)
    walk[100:110, 1], walk[200:210, 0] = walk[100, 1], walk[200, 0]  # along the axes, too
    long = "M " + " L ".join(f"{x:.6f} {y:.6f}" for x, y in walk) + " z"
    short = _compact_path(long)
    np.testing.assert_allclose(points(short)[:-1], walk, atol=0.0051)
    assert len(short) < 0.6 * len(long)


def test_a_closed_path_goes_on_from_where_it_began() -> None:
    assert points(_compact_path("M 1 1 L 2 1 L 2 2 z L 1 3"))[-1] == (1, 3)
    assert _compact_path("M 1 1 C 2 1 2 2 3 3") == "M 1 1 C 2 1 2 2 3 3"


NAMES = [
    '<image href="https://example.org/a.png"/>',
    '"/><script>fetch("//example.org")</script>',
    "--><style>@import url(https://example.org)</style>",
    "]]>&xxe;$\\mathdefault{x}$",
    "\u202e\x1b]0;x\x07",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_a_figure_fetches_nothing_and_runs_nothing(name: str) -> None:
    samples = np.random.default_rng(0).normal(size=(4, 1, 50)).astype(np.float32)
    text = samples_figure({name: samples}, [name])
    root = ElementTree.fromstring(text)
    kinds = {element.tag.rsplit("}", 1)[-1] for element in root.iter()}
    assert kinds <= {"svg", "title", "g", "path", "defs", "use", "text", "clipPath", "rect", "tspan"}
    for element in root.iter():
        for key, value in element.attrib.items():
            assert "//" not in value, (key, value)
            assert not key.startswith("on")
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e]", text)


def test_what_is_legal_is_seen() -> None:
    assert legal("a\u202eb\x1b[31m\u2066c\udcff") == "a b [31m c"
