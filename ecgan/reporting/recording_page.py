"""A scored recording as one HTML page on ECG paper that needs nothing else: no request, no library, no other file."""

import math
from collections import Counter
from typing import Any, Final

import numpy as np
import pandas as pd

from ecgan.reporting.deviation import Deviation, deviation
from ecgan.reporting.packing import AROUND_S, Packed, pack, shown
from ecgan.reporting.recordings import IRREGULAR, NOISE, ScoredRecording
from ecgan.reporting.rendering import render

LISTED: Final = 1000
"""Rows of the table that is shown without JavaScript, at most."""
EPISODES: Final = 300
"""At most this many rows in the table of episodes, those with the most beats."""
_TOLD: Final = {
    *("samples", "scored", "flagged", "noisy", "not_scored", "minutes"),
    *("families", "episodes", "warnings", "normal", "decisions"),
}
"""Facts that the page tells in places of their own."""
_SCRIPTS: Final = ("data.js", "paper.js", "trace.js", "view.js", "overview.js", "cards.js", "families.js", "start.js")


def recording_page(scored: ScoredRecording) -> str:
    """The page as text.

    It shows what was taken for normal and the families of the flagged beats, the whole recording on ECG paper, its
    beats, and the flagged ones with what the model made of them. A reader can accept or reject a family, and export
    that. Long recordings are embedded in part, which the page says: see `ecgan.reporting.packing` for the bounds. The
    same recording makes the same bytes. Everything that comes from data is escaped; a content security policy inside
    the page forbids every request and every script and style but its own, by their hashes.
    """
    packed = pack(scored)
    beats = scored.beats
    flagged = beats[beats["flagged"].astype(bool)]
    return render(
        "recording/recording.html.j2",
        styles=["page.css", "recording/recording.css"],
        scripts=[f"recording/{name}" for name in _SCRIPTS],
        scored=scored,
        packed=packed,
        facts=_facts(scored),
        tables=_tables(scored),
        headline=_headline(scored, flagged),
        classes=_classes(scored),
        notes=_notes(scored, packed, len(flagged)),
        reasons=_reasons(beats),
        families=_families(scored),
        normal=_normal(scored),
        modes=_modes(scored),
        episodes=_episodes(scored),
        rows=_rows(scored, flagged),
        listed=min(LISTED, len(flagged)),
        flagged=len(flagged),
    )


def clock(seconds: float, decimals: int = 1) -> str:
    """Time in a recording, such as "0:12:03.4"; hours always, so that times line up."""
    whole = round(seconds * 10**decimals)
    minutes, rest = divmod(whole, 60 * 10**decimals)
    width = 3 + decimals if decimals else 2
    return f"{minutes // 60}:{minutes % 60:02d}:{rest / 10**decimals:0{width}.{decimals}f}"


def in_words(value: Any) -> str:
    """A fact in a few words: lists with commas, numbers without noise, "–" for nothing."""
    if value is None:
        return "–"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float | np.floating):
        return f"{value:.6g}"
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if isinstance(value, dict):
        return ", ".join(f"{name}: {in_words(part)}" for name, part in value.items()) or "–"
    if isinstance(value, list | tuple | set):
        return ", ".join(in_words(part) for part in value) or "–"
    return str(value)


def _facts(scored: ScoredRecording) -> list[tuple[str, str]]:
    record = scored.record
    named = zip(record.leads, scored.leads, strict=False)
    leads = ", ".join(lead if lead == model else f"{lead} (as {model})" for lead, model in named)
    rows = [
        ("Record", record.name),
        ("Duration", clock(len(record.signals) / record.sampling_rate, 0)),
        ("Leads", leads),
        ("Sampling rate", f"{record.sampling_rate:g} Hz"),
        ("Model", scored.model),
        ("Trained on", scored.dataset),
        ("Strategy", scored.strategy),
        ("Threshold", f"{scored.threshold:.4g}"),
    ]
    more = {str(name): value for name, value in scored.facts.items() if name not in _TOLD and not _is_table(value)}
    return rows + [
        (_title(name.removesuffix("_hz")), f"{in_words(value)} Hz" if name.endswith("_hz") else in_words(value))
        for name, value in more.items()
    ]


def _classes(scored: ScoredRecording) -> list[tuple[str, str, str]]:
    """Of each annotated class its name, how many are flagged and how many have a score, where annotations are there."""
    counts = scored.facts.get("flagged_by_class", {})
    return [(name, f"{row['flagged']:,}", f"{row['scored']:,}") for name, row in counts.items()]


def _tables(scored: ScoredRecording) -> list[tuple[str, str, list[str], list[list[str]]]]:
    """Title, what its rows are, columns and rows of facts about each of several things, such as counts by class."""
    tables = []
    for name, value in scored.facts.items():
        if _is_table(value):
            columns = list(dict.fromkeys(str(column) for row in value.values() for column in row))
            rows = [[str(key), *(in_words(row.get(column)) for column in columns)] for key, row in value.items()]
            tables.append((_title(str(name)), _title(str(name).rpartition("by_")[2]), columns, rows))
    return tables


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and all(isinstance(row, dict) for row in value.values())


def _title(name: str) -> str:
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def _families(scored: ScoredRecording) -> list[dict[str, Any]]:
    """Of each family what stands on its card."""
    times, with_score = scored.beats["time_s"].to_numpy(), int(scored.beats["score"].notna().sum())
    return [
        {
            "number": family.number,
            "count": f"{len(family.rows):,} {scored.noun}{'' if len(family.rows) == 1 else 's'}",
            "share": share_in_words(len(family.rows) / with_score),
            "reason": family.reason[:1].upper() + family.reason[1:],
            "times": " – ".join(dict.fromkeys(clock(times[row], 0) for row in family.rows[[0, -1]])),
            "score": f"{family.score:.4g}",
            "highest": f"{family.highest:.4g}",
            "annotated": _symbols(scored.beats["symbol"].iloc[family.rows]),
            "decision": family.decision,
        }
        for family in scored.families
    ]


def _symbols(symbols: pd.Series) -> str:
    """How often each symbol of a reference annotation is there, the most frequent first, such as "V 301, F 1"."""
    counts = Counter(symbol for symbol in symbols if isinstance(symbol, str) and symbol)
    often = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{symbol} {count:,}" for symbol, count in often)


def _normal(scored: ScoredRecording) -> list[tuple[str, str]]:
    """What was taken for normal, in words."""
    normal = scored.normal
    if normal is None:
        return []
    return [
        ("Usual beats", f"{normal.usual:,} ({share_in_words(normal.share)} of those scored)"),
        ("Their rate", "–" if normal.rate is None else f"{normal.rate:.0f} a minute"),
        ("Their QRS", f"about {normal.qrs_ms:.0f} ms"),
        ("RR apart from flagged beats", f"vary by {100 * normal.spread:.0f} %"),
    ]


def _modes(scored: ScoredRecording) -> list[tuple[str, list[tuple[str, str]]]]:
    """Two modes that compete for being normal, in words: a heading and what is known of each."""
    normal = scored.normal
    if normal is None:
        return []
    return [
        (
            f"{number}: {'taken for normal' if mode.taken else 'not taken'}",
            [
                ("Beats", f"{mode.beats:,} ({share_in_words(mode.share)} of those scored)"),
                ("Of the usual ones", share_in_words(mode.of_usual)),
                ("Rate", "–" if mode.rate is None else f"{mode.rate:.0f} a minute"),
                ("QRS", f"about {mode.qrs_ms:.0f} ms"),
                ("Speaks for it", mode.reason or "–"),
            ],
        )
        for number, mode in enumerate(normal.modes, 1)
    ]


def _episodes(scored: ScoredRecording) -> list[tuple[str, ...]]:
    """The longest episodes, in the order of time: number of the first beat, then the cells of a row."""
    longest = scored.episodes.sort_values("beats", ascending=False, kind="stable")[:EPISODES]
    return [
        (
            str(row["first_beat"]),
            clock(row["start_s"]),
            clock(row["end_s"]),
            str(row["kind"]),
            f"{row['beats']:,}",
            "–" if pd.isna(row["rate_per_min"]) else f"{row['rate_per_min']:.0f}",
            f"{row['highest_score']:.4g}",
            _family(scored, row),
            str(row["reason"]),
        )
        for row in longest.sort_values("episode").to_dict("records")
    ]


def _family(scored: ScoredRecording, row: dict[Any, Any]) -> str:
    """The family of an episode: its number, "several" where its beats are of some, "–" where they are of none."""
    if row["kind"] in (IRREGULAR, NOISE) or not scored.families:
        return "–"
    return "several" if pd.isna(row["family"]) else str(row["family"])


def share_in_words(share: float) -> str:
    """A share as "12 %", small ones with a decimal, never "0 %" of something."""
    percent = 100 * share
    return f"{percent:.0f} %" if percent >= 10 else f"{percent:.1f} %" if percent >= 0.05 else "below 0.1 %"


def _headline(scored: ScoredRecording, flagged: pd.DataFrame) -> list[tuple[str, str]]:
    """Counts, each with what it counts."""
    count, with_score = len(scored.beats), int(scored.beats["score"].notna().sum())
    share = f" ({100 * len(flagged) / with_score:.1f} %)" if with_score else ""
    return [
        (f"{count:,}", scored.noun if count == 1 else f"{scored.noun}s"),
        (f"{len(flagged):,}", f"flagged{share}"),
        (f"{count - with_score:,}", "not scored"),
    ] + [
        (f"{number:,}", one if number == 1 else more)
        for number, one, more in (
            (int((scored.beats["reason"] == NOISE).sum()), "not flagged for noise", "not flagged for noise"),
            (len(scored.families), "family", "families"),
            (len(scored.episodes), "episode", "episodes"),
        )
        if number
    ]


def _notes(scored: ScoredRecording, packed: Packed, flagged: int) -> list[str]:
    """What the page holds and what it leaves out."""
    size = packed.data["bin"]
    step = f"{1000 * max((lead['step'] for lead in packed.data['leads']), default=0.001):.3g} µV"
    if packed.pieces is None:
        notes = [f"The whole recording is in this page, in steps of {step}."]
    else:
        highest = ", those with the highest scores" if packed.pieces < flagged else ""
        notes = [
            "The recording is too long to be in this page whole: it holds the minimum and maximum of every"
            f" {size} samples ({1000 * size / scored.record.sampling_rate:.3g} ms), drawn grey where one looks closer,"
            f" and every sample, in steps of {step}, within {AROUND_S:g} s of {packed.pieces:,} of the {flagged:,}"
            f" flagged {scored.noun}s{highest}."
        ]
    one_by_one = len(packed.data["cards"])
    if one_by_one < flagged:
        notes.append(
            f"{one_by_one:,} of {flagged:,} flagged {scored.noun}s are shown one by one, those with the highest scores;"
            f" the other {flagged - one_by_one:,} are marked in the recording only."
        )
    return notes


def _reasons(beats: pd.DataFrame) -> list[tuple[str, int]]:
    """Why beats have no score, the most frequent reason first."""
    reasons = beats.loc[beats["score"].isna(), "reason"].fillna("").astype(str).replace("", "no reason given")
    counts = reasons.value_counts()
    return sorted(((str(reason), int(count)) for reason, count in counts.items()), key=lambda pair: (-pair[1], pair[0]))


def _rows(scored: ScoredRecording, flagged: pd.DataFrame) -> list[tuple[int, str, str, str, str]]:
    """Number, time, score, symbol and place of the flagged beats with the highest scores, in the order of time."""
    known = {sample.row: sample for sample in shown(scored)}
    position = pd.Series(np.arange(len(scored.beats)), index=scored.beats.index)
    highest = flagged.sort_values("score", ascending=False, kind="stable")[:LISTED].sort_values("sample", kind="stable")
    rows = []
    for at, beat in zip(position[highest.index], highest.to_dict("records"), strict=True):
        time = float(beat["sample"]) / scored.record.sampling_rate
        sample, peak = known.get(int(at)), time if scored.noun == "beat" else None
        where = where_in_words(deviation(sample, peak), scored.leads) if sample else ""
        symbol = beat["symbol"] if isinstance(beat["symbol"], str) else ""
        rows.append((int(beat["number"]), clock(time), f"{beat['score']:.4g}", symbol, where))
    return rows


def where_in_words(split: Deviation, leads: list[str]) -> str:
    """Where most of the error lies, such as "QRS 64 %, MLII 80 %"; empty where nothing deviates."""
    if not split.regions:
        return ""
    region = max(split.regions, key=lambda part: part.share)
    words = f"{region.name} {100 * region.share:.0f} %"
    lead = max(range(len(split.leads)), key=lambda number: split.leads[number])
    if len(split.leads) > 1 and lead < len(leads) and math.isfinite(split.leads[lead]):
        words += f", {leads[lead]} {100 * split.leads[lead]:.0f} %"
    return words
