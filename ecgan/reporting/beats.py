"""The examples of a report, drawn: the best and the worst beats of each method."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from ecgan.evaluation.examples import CAUGHT, EXPLAINED, FALSE_ALARM, MISSED
from ecgan.evaluation.result import Result
from ecgan.reporting.ecg_paper import beat_svg, origin_text
from ecgan.reporting.inputs import Plot
from ecgan.reporting.style import slug
from ecgan.reporting.tables import name_of

KIND_TEXT: Final = {
    CAUGHT: "abnormal and flagged, highest scores",
    MISSED: "abnormal and not flagged, lowest scores",
    FALSE_ALARM: "normal and flagged, highest scores",
    EXPLAINED: "normal and not flagged, lowest scores",
}


@dataclass(frozen=True)
class BeatGroup:
    """The examples of one method; the title of each plot is its kind."""

    title: str
    note: str
    beats: tuple[Plot, ...]


def beat_groups(runs: Sequence[Result]) -> tuple[BeatGroup, ...]:
    """The examples of each method, of its first fold that has some."""
    first: dict[str, Result] = {}
    for run in sorted((run for run in runs if run.examples), key=lambda run: int(run.metrics["fold"])):
        first.setdefault(name_of(run.metrics), run)
    groups, taken = [], set[str]()
    for name in dict.fromkeys(name_of(run.metrics) for run in runs):
        if name not in first:
            continue
        beats = []
        for beat in _beats(first[name]):
            path, number = beat.path, 2
            while path in taken:
                path, number = f"{beat.path[:-4]}-{number}.svg", number + 1
            taken.add(path)
            beats.append(replace(beat, path=path))
        strategies = sorted({example.strategy for example in first[name].examples})
        note = f"Fold {first[name].metrics['fold']}, strategy {', '.join(strategies)}."
        groups.append(BeatGroup(name, note, tuple(beats)))
    return tuple(groups)


def _beats(run: Result) -> list[Plot]:
    beats = []
    for example in run.examples:
        entry = run.metrics["strategies"].get(example.strategy)
        threshold = None if entry is None else entry["threshold"]["value"]
        name = f"{slug(str(run.metrics['method'])) or 'method'}-{slug(example.kind)}-{example.index}"
        patient = "" if example.patient is None else f", patient {example.patient}"
        caption = f"{example.kind}: {example.class_name}, {origin_text(example)}{patient}"
        beats.append(Plot(f"figures/beats/{name}.svg", example.kind, caption, beat_svg(example, threshold=threshold)))
    return beats
