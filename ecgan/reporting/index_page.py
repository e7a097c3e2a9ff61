"""A list of scored recordings as one HTML page: counts, what went wrong, and a link to the page of each."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, islice
from urllib.parse import quote

from ecgan.reporting.long_list import PackedList
from ecgan.reporting.rendering import render

WHOLE = 1000
"""Up to so many recordings stand in the page as rows."""
ROWS = 100
"""Of more, so many at a time."""


@dataclass(frozen=True)
class ListedRecording:
    """A recording in the list.

    Attributes:
        page: Path of its page, relative to the list and with slashes; None where it has none.
        samples: Its beats or windows; None, as all numbers, where that is not known.
        families: Families of its flagged beats.
        episodes: Its episodes.
        remark: Why it could not be scored, or warnings.
        noisy: Its beats that cannot be read for noise.
        failed: Whether it could not be scored; None: if it has no page.
    """

    name: str
    page: str | None
    minutes: float | None = None
    samples: int | None = None
    scored: int | None = None
    flagged: int | None = None
    families: int | None = None
    episodes: int | None = None
    remark: str = ""
    noisy: int | None = None
    failed: bool | None = None

    @property
    def is_failed(self) -> bool:
        """Whether it could not be scored; where nothing is said, what has no page could not be."""
        return self.page is None if self.failed is None else self.failed

    @property
    def link(self) -> str:
        """The page as a relative address; never one with a scheme."""
        return "./" + quote((self.page or "").encode("utf-8", "surrogateescape"))

    @property
    def share(self) -> float | None:
        """Flagged ones among those with a score; None without any."""
        return None if not self.scored or self.flagged is None else self.flagged / self.scored


def index_page(recordings: Iterable[ListedRecording], *, title: str = "Scored recordings") -> str:
    """The page as text; it needs nothing else, its table can be sorted, and the same list makes the same bytes.

    Of more than `WHOLE` recordings the first stand in it as rows, which need no script, and all of them packed, to be
    sorted, searched and turned over page by page.
    """
    rest = iter(recordings)
    first = list(islice(rest, WHOLE + 1))
    packed = PackedList()
    for one in chain(first, rest):
        packed.add(one)
    large = len(first) > WHOLE
    return render(
        "recording/index.html.j2",
        styles=["page.css", "recording/recording.css", *(["recording/list.css"] if large else [])],
        scripts=["recording/list.js" if large else "page.js"],
        recordings=first[:ROWS] if large else first,
        rows=ROWS,
        packed=packed.packed() if large else "",
        title=title,
        count=len(packed),
        failed=packed.failed,
        flagged=packed.flagged,
        scored=packed.scored,
    )
