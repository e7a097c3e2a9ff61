"""The gallery shows every picture that its script takes, and these are small."""

import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import matplotlib.image
import pytest

from ecgan.reporting.index_page import ListedRecording, index_page
from ecgan.reporting.recording_page import recording_page
from tests.chromium import PROGRAM, Chromium
from tests.scored import scored_recording

from .imports import ROOT

PAGE = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
FOLDER = ROOT / "docs" / "_static" / "gallery"


def script() -> Any:
    spec = importlib.util.spec_from_file_location("docs_gallery", ROOT / "docs" / "gallery.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_every_picture_is_taken_by_the_script_shown_and_described() -> None:
    names = set(script().PICTURES)
    assert {path.stem for path in FOLDER.iterdir()} == names
    shown = dict(re.findall(r"!\[([^\]]+)\]\(_static/gallery/(\w+)\.png\)", PAGE))
    assert set(shown.values()) == names
    assert all(len(words) > 30 for words in shown)
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 800_000


@pytest.mark.slow
@pytest.mark.skipif(PROGRAM is None, reason="no Chromium here")
def test_the_script_takes_pictures_of_any_recording(tmp_path: Path) -> None:
    pages = {"recording": tmp_path / "one.html", "summary": tmp_path / "summary.html"}
    pages["recording"].write_text(recording_page(scored_recording(flagged=0.3, families=3)), encoding="utf-8")
    pages["summary"].write_text(index_page([ListedRecording("one", "one.html", 0.5, 38, 36, 12)]), encoding="utf-8")
    gallery = script()
    wanted = {name: one for name, one in gallery.PICTURES.items() if one.page in pages}
    browser = Chromium(tmp_path)
    taken = dict(gallery.shoot(browser, pages, wanted))
    browser.close()
    assert set(taken) == set(wanted)
    for name, png in taken.items():
        (tmp_path / "picture.png").write_bytes(png)
        picture = matplotlib.image.imread(tmp_path / "picture.png")[..., :3]
        assert picture.shape[:2] == (wanted[name].height, wanted[name].width)
        assert (picture.mean() < 0.5) == wanted[name].dark
        assert len({tuple(pixel) for pixel in picture[::7, ::7].reshape(-1, 3).round(2)}) > 10
