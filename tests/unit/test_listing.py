"""`ecgan list` on a terminal of any width and in a pipe."""

import json
import re
from pathlib import Path

import pytest

from ecgan.listing import LISTS, parts, show
from tests.installed import ecgan

KINDS = [*LISTS, "presets"]


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    def lines(kind: str, width: int, *, terminal: bool) -> tuple[list[str], list[dict[str, str]]]:
        for name, value in {"COLUMNS": str(width), "FORCE_COLOR": "1" if terminal else ""}.items():
            monkeypatch.setenv(name, value)
        show(kind, as_json=True)
        rows = json.loads(capsys.readouterr().out)
        show(kind)
        return re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().out).splitlines(), rows

    return lines


@pytest.mark.parametrize("kind", KINDS)
def test_a_pipe_gets_one_part_a_line_with_nothing_cut_off(kind: str, shown) -> None:
    (head, *lines), rows = shown(kind, 40, terminal=False)
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows, strict=True):
        fields = dict(zip(head.split("\t"), line.split("\t"), strict=True))
        assert fields == {key: value for key, value in row.items() if key in fields}
        assert all(value in line for value in row.values())


@pytest.mark.parametrize("width", [60, 80, 200])
@pytest.mark.parametrize("kind", KINDS)
def test_a_terminal_of_any_width_shows_every_word(kind: str, width: int, shown) -> None:
    lines, rows = shown(kind, width, terminal=True)
    assert max(map(len, lines)) <= width
    text = " ".join(lines)
    assert "…" not in text
    for row in rows:
        assert any(line.split()[:1] == [row["name"]] for line in lines)
        for word in " ".join(row.values()).split():
            assert word in text or len(word) > 20


def test_every_part_of_the_package_says_what_a_user_wants_to_know() -> None:
    for kind, registry in LISTS.items():
        for row in (row for row in parts(registry) if row["from"] == "ecgan"):
            assert row["what"], row
            assert row["licence"], row
            if kind in ("datasets", "models"):
                assert row["source"], row
                assert row["size"], row


def test_sizes_of_models_are_their_numbers_of_weights() -> None:
    rows = {row["name"]: row for row in parts(LISTS["models"])}
    # Encoder, decoder and discriminator for 2 leads, 320 steps, 10 latents and 8, 16, 32, 64 and 128 channels.
    assert rows["aegan"]["size"] == f"{56_864 + 56_880 + 44_864:,} weights for 2 × 320"
    assert rows["aegan"]["other names"] == "beatgan"


def test_there_is_no_other_list(tmp_path: Path) -> None:
    done = ecgan(tmp_path, "list", "detector", cwd=tmp_path)
    assert done.returncode == 1
    assert "did you mean 'detectors'?" in done.stderr
