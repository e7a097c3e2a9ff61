"""A figure's paths are shorter than Matplotlib's, and lead through the same points."""

import re

import numpy as np

from ecgan.reporting.style import _compact_path


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
