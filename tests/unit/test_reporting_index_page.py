"""The list of scored recordings: what it says, where it links to, and that nothing in it is executed."""

import base64
import json
import re
import struct
import zlib
from html import unescape
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgan.reporting.index_page import ListedRecording, index_page

RECORDINGS = [
    ListedRecording("208", "208.html", 30.1, 2955, 2953, 443, 7, 101, remark="look twice", noisy=12),
    ListedRecording("b/100", "b/100.html", 30.1, 2273, 2271, 0),
    ListedRecording("broken", None, remark="the file broken.hea is not there."),
]


def rows(page):
    body = page[page.index("<tbody>") : page.index("</tbody>")]
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)]
    return [[unescape(re.sub(r"<[^>]*>", "", cell)) for cell in row] for row in cells]


def test_it_lists_counts_and_remarks():
    page = index_page(RECORDINGS)
    assert rows(page) == [
        ["208", "30.1", "2,955", "2,953", "443", "15.0", "12", "7", "101", "look twice"],
        ["b/100", "30.1", "2,273", "2,271", "0", "0.0", "–", "–", "–", ""],
        ["broken", "–", "–", "–", "–", "–", "–", "–", "–", "the file broken.hea is not there."],
    ]
    assert re.findall(r'<a href="([^"]*)"', page) == ["./208.html", "./b/100.html"]
    text = " ".join(re.sub(r"<[^>]*>", " ", page[page.index("<body>") :]).split())
    assert "3 recordings 443 of 5,224 flagged 1 could not be scored" in text
    assert index_page(RECORDINGS) == page


def test_a_long_list_is_packed_and_its_first_rows_need_no_script():
    listed = [
        ListedRecording(f"a/{index:04d}", None, 0.2, 12, 11, index % 7, remark="", failed=False)
        for index in range(1500)
    ]
    listed[3] = ListedRecording("b\n3", "pages/b.html", remark="odd\u2028thing")
    page = index_page(iter(listed))
    assert len(rows(page)) == 100
    assert rows(page)[0][:5] == ["a/0000", "0.2", "12", "11", "0"]
    assert "1,500" in page
    content = zlib.decompress(base64.b64decode(re.search(r'id="packed"[^>]*>([^<]*)<', page)[1]))
    (length,) = struct.unpack("<I", content[:4])
    header, at, parts = json.loads(content[4 : 4 + length]), 4 + length, {}
    for name, size in header["parts"].items():
        parts[name], at = content[at : at + size], at + size
    assert header["links"] == {"3": "./pages/b.html"}
    names = parts["names"].decode().split("\n")
    assert names == [f"a/{index:04d}" if index != 3 else "b 3" for index in range(1500)]
    remarks, remark = parts["remarks"].decode().split("\n"), struct.unpack("<1500I", parts["remark"])
    assert remarks[remark[3]] == "odd thing"
    flagged = struct.unpack("<1500f", parts["flagged"])
    assert flagged[:3] == (0, 1, 2)
    assert flagged[3] != flagged[3]
    assert len(page) < 80_000
    assert index_page(listed) == page


@pytest.mark.parametrize("listed", [[], [ListedRecording("x", "x.html", 0.1, 1, 0, 0)]])
def test_nothing_scored_divides_by_nothing(listed):
    assert [row[5] for row in rows(index_page(listed))] == ["–"] * len(listed)


@given(st.sampled_from(["javascript:alert(1)//", '"><script>', "</td><img src=x>", "é ?#%.html"]) | st.text(max_size=9))
def test_names_become_neither_markup_nor_addresses_of_their_own(name):
    page = index_page([ListedRecording(name, f"{name}.html", remark=name)])
    links = re.findall(r'href="([^"]*)"', page)
    assert len(links) == 1
    assert links[0].startswith("./")
    assert unquote(unescape(links[0]), errors="surrogatepass") == f"./{name}.html"
    assert page.count("<script>") == 1
    assert "<img" not in page
    page.encode()
