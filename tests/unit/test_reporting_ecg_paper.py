"""Beats on ECG paper: true millimetres, measured in the SVG itself."""

import re
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgan.evaluation.examples import Example
from ecgan.reporting import ecg_paper
from ecgan.reporting.ecg_paper import ERROR, RECONSTRUCTION, SIGNAL, beat_svg, origin_text, thin

RATE = 360
SVG = "{http://www.w3.org/2000/svg}"


def example(signal, reconstruction=None, **changes):
    values = {
        "index": 3, "class_name": "V", "record": "208", "patient": "p", "sample": 260388, "time_s": 723.3,
        "score": 0.02137, "strategy": "reconstruction", "flagged": False, "kind": "missed", "signal": signal,
        "reconstruction": reconstruction, "sampling_rate": float(RATE), "centre": 140,
        "leads": tuple(f"lead {i}" for i in range(signal.shape[1])),
    }  # fmt: skip
    return Example(**(values | changes))


def step(leads=1, height=1.0):
    """A rectangle of 0.2 s in a signal of 320 steps."""
    signal = np.zeros((320, leads))
    signal[100:172] = height
    return signal


def read(svg):
    """The root and the millimetres of one unit of its coordinates, the same both ways."""
    root = ElementTree.fromstring(svg)
    width, height = (float(root.get(side).removesuffix("mm")) for side in ("width", "height"))
    _, _, units_x, units_y = map(float, root.get("viewBox").split())
    assert width / units_x == pytest.approx(height / units_y, rel=1e-3)
    return root, width / units_x


def lines(svg, colour):
    """Corner points in millimetres of every line of a colour, y upwards from the upper edge."""
    root, scale = read(svg)
    found = []
    for path in root.iter(f"{SVG}path"):
        if f"stroke: {colour}" in path.get("style", ""):
            found += [np.array(part) * scale * [1, -1] for part in corners(path.get("d"))]
    return found


def corners(path):
    parts, x, y = [], 0.0, 0.0
    for command, numbers in re.findall(r"([MlhvzL])([^MlhvzL]*)", path):
        values = [float(number) for number in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", numbers)]
        if command == "M":
            x, y = values
            parts.append([])
        elif command == "h":
            x += values[0]
        elif command == "v":
            y += values[0]
        elif command == "l":
            x, y = x + values[0], y + values[1]
        parts[-1].append((x, y))
    return parts


def pulse_and_trace(svg):
    found = sorted(lines(svg, SIGNAL), key=lambda line: line[:, 0].min())
    return [line for line in found if np.ptp(line[:, 1]) > 0 or np.ptp(line[:, 0]) > 5]


def test_one_millivolt_is_ten_millimetres_and_a_fifth_of_a_second_is_five():
    trace = pulse_and_trace(beat_svg(example(step())))[-1]
    assert np.ptp(trace[:, 1]) == pytest.approx(10, abs=0.02)
    half = (trace[:, 1].min() + trace[:, 1].max()) / 2
    rise = np.interp(half, *trace[:, ::-1][np.argmax(np.diff(trace[:, 1])) :][:2].T)
    falling = trace[np.argmin(np.diff(trace[:, 1])) :][:2]
    fall = np.interp(half, *falling[::-1, ::-1].T)
    assert fall - rise == pytest.approx(5, abs=0.03)
    assert np.ptp(trace[:, 0]) == pytest.approx(319 / RATE * 25, abs=0.02)


def test_the_calibration_pulse_is_one_millivolt():
    pulse = pulse_and_trace(beat_svg(example(step(height=0.3))))[0]
    assert np.ptp(pulse[:, 1]) == pytest.approx(10, abs=0.02)
    top = pulse[pulse[:, 1] > pulse[:, 1].max() - 0.01]
    assert np.ptp(top[:, 0]) == pytest.approx(5, abs=0.02)
    foot, trace = pulse[:, 1].min(), pulse_and_trace(beat_svg(example(step(height=0.3))))[-1]
    assert trace[0, 1] == pytest.approx(foot, abs=0.02)  # both stand at 0 mV


def test_small_squares_are_one_millimetre_and_every_fifth_line_is_heavier():
    svg = beat_svg(example(step()))
    for colour, distance in ((ecg_paper._SMALL, 1), (ecg_paper._HEAVY, 5)):
        grid = lines(svg, colour)
        across = np.array(sorted(line[0, 0] for line in grid if np.ptp(line[:, 0]) == 0))
        down = np.array(sorted(line[0, 1] for line in grid if np.ptp(line[:, 1]) == 0))
        assert np.diff(across) == pytest.approx(distance, abs=0.01)
        assert np.diff(down) == pytest.approx(distance, abs=0.01)
    root, _ = read(svg)
    paths = [path for path in root.iter(f"{SVG}path") if ecg_paper._SMALL in path.get("style", "")]
    assert len(paths) == 1


def test_the_r_peak_and_zero_millivolt_lie_on_heavy_lines():
    svg = beat_svg(example(step()))
    trace = pulse_and_trace(svg)[-1]
    heavy = lines(svg, ecg_paper._HEAVY)
    peak = trace[0, 0] + 140 / RATE * 25
    assert min(abs(line[0, 0] - peak) for line in heavy if np.ptp(line[:, 0]) == 0) < 0.02
    assert min(abs(line[0, 1] - trace[0, 1]) for line in heavy if np.ptp(line[:, 1]) == 0) < 0.02


def test_the_error_is_drawn_at_the_scale_of_the_signal():
    svg = beat_svg(example(step(), step() * 0.4))
    (error,) = lines(svg, ERROR)[:1]
    assert np.ptp(error[:, 1]) == pytest.approx(6, abs=0.02)
    reconstruction = max(lines(svg, RECONSTRUCTION), key=lambda line: np.ptp(line[:, 1]))
    assert np.ptp(reconstruction[:, 1]) == pytest.approx(4, abs=0.02)
    assert error[:, 1].max() < reconstruction[:, 1].min()


def test_a_method_without_reconstruction_shows_the_signal_alone():
    svg = beat_svg(example(step()))
    assert ">signal<" in svg
    assert "reconstruction" not in svg
    assert RECONSTRUCTION not in svg
    assert ERROR not in svg


def test_leads_are_stacked_and_named_and_the_heading_says_what_it_is():
    svg = beat_svg(example(step(3), leads=("MLII", "V1", "V5")), threshold=0.12)
    for words in ("V, missed", "record 208, 12:03.3", "score 0.0214 &lt; 0.12", "25 mm/s · 10 mm/mV", "seconds from R"):
        assert words in svg
    heights = [float(re.search(rf'y="([\d.]+)"[^>]*>{name}<', svg)[1]) for name in ("MLII", "V1", "V5")]
    assert heights == sorted(heights)
    assert len([line for line in pulse_and_trace(svg) if np.ptp(line[:, 0]) > 20]) == 3


def test_far_and_wild_signals_stay_on_the_paper():
    wild = np.sin(np.arange(320)[:, None]) * 400
    for signal, reconstruction in ((step() + 7.3, None), (wild, -wild), (step(), wild), (np.zeros((320, 1)), None)):
        svg = beat_svg(example(signal, reconstruction))
        paper = np.concatenate(lines(svg, ecg_paper._HEAVY))
        for colour in (SIGNAL, RECONSTRUCTION, ERROR):
            for line in lines(svg, colour):
                if np.ptp(line[:, 0]) > 5 or np.ptp(line[:, 1]) > 0:  # all but the legend
                    assert line[:, 1].max() <= paper[:, 1].max() + 0.05
                    assert line[:, 1].min() >= paper[:, 1].min() - 0.05
        assert np.ptp(paper[:, 1]) < 150


def told(svg):
    """Values that leave the paper, mV, and errors that do not fit, as they are written there."""
    words = [element.text or "" for element in read(svg)[0].iter(f"{SVG}text")]
    words = [text.replace("−", "-") for text in words if text.endswith(" mV") and "mm" not in text]
    errors = [float(text.split()[1]) for text in words if text.startswith("error")]
    return sorted(float(text.split()[0]) for text in words if not text.startswith("error")), errors


@given(
    st.lists(st.floats(-30, 30), min_size=2, max_size=12),
    st.none() | st.lists(st.floats(-60, 60), min_size=12, max_size=12),
)
@settings(max_examples=12)
def test_every_point_lies_on_the_paper_or_is_marked_with_its_value(corners, other):
    signal = np.interp(np.arange(320), np.linspace(0, 319, len(corners)), corners)[:, None]
    reconstruction = (
        None if other is None else np.repeat(np.array(other)[np.arange(320) * 12 // 320][:, None], 1, axis=1)
    )
    one = example(signal, reconstruction)
    (strip,) = ecg_paper._sheet(one).strips
    low, high = (strip.origin + (edge - strip.zero) / 10 for edge in (strip.bottom, strip.top))
    values, errors = told(beat_svg(one))
    drawn = signal if reconstruction is None else np.concatenate([signal, reconstruction])
    for extreme, beyond in ((drawn.max(), drawn.max() > high + 0.002), (drawn.min(), drawn.min() < low - 0.002)):
        assert any(value == pytest.approx(extreme, rel=0.01, abs=0.01) for value in values) == beyond
    assert all(not low + 0.05 < value < high - 0.05 for value in values)
    error = 0 if reconstruction is None else np.abs(signal - reconstruction).max()
    assert any(value == pytest.approx(error, rel=0.01) for value in errors) == (error > 1.502)


def test_beats_of_5_mv_are_whole_and_a_spike_of_40_mv_is_marked_where_it_is():
    assert told(beat_svg(example(step(height=5)))) == ([], [])
    signal = step(height=5)
    signal[200:203] = 40
    svg = beat_svg(example(signal))
    assert told(svg) == ([40.0], [])
    x = float(re.search(r'x="([\d.]+)"[^>]*>40 mV<', svg)[1]) * read(svg)[1]
    trace = pulse_and_trace(svg)[-1]
    assert x - (trace[0, 0] + 201 / RATE * 25) == pytest.approx(1.5, abs=0.2)


def test_what_is_not_in_millivolt_is_not_on_ecg_paper():
    for changes in ({"unit": ""}, {"sampling_rate": 0.0}):
        svg = beat_svg(example(step(), centre=None, **changes))
        assert "mm/mV" not in svg
        assert ecg_paper._HEAVY not in svg
        assert "time steps" in svg


def test_names_are_text_and_nothing_else():
    svg = beat_svg(example(step(), record="<script>alert(1)</script>", class_name="$x^2$ & \x00", leads=("<b>",)))
    root, _ = read(svg)
    assert not [element for element in root.iter() if "script" in element.tag]
    assert [e for e in root.iter(f"{SVG}text") if (e.text or "").startswith("$x^2$ & ")]
    assert "&lt;b&gt;" in svg


def test_the_file_is_small_and_the_users_settings_stay(monkeypatch):
    monkeypatch.setitem(matplotlib.rcParams, "font.size", 31.5)
    before = dict(matplotlib.rcParams)
    noise = np.random.default_rng(0).normal(0, 0.05, (320, 2))
    assert len(beat_svg(example(step(2) + noise, step(2)))) < 30_000
    assert dict(matplotlib.rcParams) == before


def test_positions_without_record_or_time():
    assert origin_text(example(step(), record=None, time_s=None)) == "sample 3"
    assert origin_text(example(step(), time_s=59.96)) == "record 208, 1:00.0"
    assert origin_text(example(step(), time_s=3723.4)) == "record 208, 1:02:03.4"


def test_thinning_keeps_every_point_within_the_tolerance():
    x = np.linspace(0, 20, 500)
    y = np.sin(x) + np.random.default_rng(1).normal(0, 0.01, 500)
    kept = thin(x, y, 0.02)
    assert len(kept) < 300
    assert np.abs(np.interp(x, *kept.T) - y).max() < 0.05
    assert (kept[0] == [x[0], y[0]]).all()
    assert (kept[-1] == [x[-1], y[-1]]).all()
    assert len(thin(np.zeros(3), np.zeros(3))) == 2
