"""A list of scored recordings as one HTML page: counts, what went wrong, and a link to the page of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from ecgan.reporting.rendering import render


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
        failed: Whether it could not be scored.
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
    failed: bool = False

    @property
    def link(self) -> str:
        """The page as a relative address; never one with a scheme."""
        return "./" + quote((self.page or "").encode("utf-8", "surrogateescape"))

    @property
    def share(self) -> float | None:
        """Flagged ones among those with a score; None without any."""
        return None if not self.scored or self.flagged is None else self.flagged / self.scored


def index_page(recordings: Sequence[ListedRecording], *, title: str = "Scored recordings") -> str:
    """The page as text; it needs nothing else, its table can be sorted, and the same list makes the same bytes."""
    return render(
        "recording/index.html.j2",
        styles=["page.css", "recording/recording.css"],
        scripts=["page.js"],
        recordings=recordings,
        title=title,
        failed=sum(recording.failed for recording in recordings),
        flagged=sum(recording.flagged or 0 for recording in recordings),
        scored=sum(recording.scored or 0 for recording in recordings),
    )
