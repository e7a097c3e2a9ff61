"""`make docs` builds every page and every docstring without a warning, and without a network."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chromium import AXE, PROGRAM, Chromium

from .imports import ROOT

pytestmark = pytest.mark.slow

NO_NETWORK = """import socket, sys
def refuse(*arguments, **named): raise OSError("no network here")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from sphinx.cmd.build import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    arguments = ["-q", "-W", "--keep-going", "-b", "html", "-d", str(target / "doctrees"), "docs", str(target / "html")]
    done = subprocess.run(
        [sys.executable, "-c", NO_NETWORK, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return target / "html"


def test_every_page_is_built_and_can_be_found(site: Path) -> None:
    contents = (site / "index.html").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert (site / f"{page.stem}.html").is_file()
        assert f'href="{page.stem}.html"' in contents or page.stem == "index"
    for page in (site / "api").glob("*.html"):
        assert f'href="api/{page.name}"' in contents


def test_the_reference_has_the_docstrings_of_the_library(site: Path) -> None:
    text = (site / "api" / "ecgan.datasets.html").read_text(encoding="utf-8")
    assert 'id="ecgan.datasets.base.Dataset.cut"' in text
    assert "Cut a recording, one of the dataset" in text
    names = {path.stem for path in (site / "api").glob("*.html")}
    packages = {path.parent.relative_to(ROOT) for path in (ROOT / "ecgan").rglob("__init__.py")}
    assert names == {".".join(package.parts) for package in packages} | {"modules"}


def test_what_stands_before_a_colon_is_no_type(site: Path) -> None:
    for page in (site / "api").glob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not re.search(r">Type<span class=\"colon\">", text), page.name
    assert "<p>Standard symbols: a normal beat" in (site / "api" / "ecgan.scoring.html").read_text(encoding="utf-8")


@pytest.mark.skipif(PROGRAM is None or AXE is None, reason="no Chromium or no axe-core here")
def test_nothing_serious_keeps_people_from_reading_a_page(site: Path, tmp_path: Path) -> None:
    browser = Chromium(tmp_path)
    for page, width in (("score", 1400), ("score", 390), ("gallery", 390), ("tour", 390)):
        browser.open(site / f"{page}.html", width=width)
        assert [found for found in browser.findings() if found[0] in ("serious", "critical")] == [], page
        assert browser.run("document.documentElement.scrollWidth <= innerWidth")
    browser.close()


def test_what_is_built_needs_no_network(site: Path) -> None:
    for page in site.glob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert 'src="http' not in text
        assert 'rel="stylesheet" href="http' not in text
