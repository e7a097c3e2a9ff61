"""Why beats are flagged, in words, from components that tell of one part of a beat or of the rhythm each."""

from ecgan.detection.base import Group

WAVES = {"qrs": "QRS", "p": "P wave", "st": "ST–T"}
"""Components that tell how unlike the usual ones a part of a beat is."""
OTHERS = {
    "rhythm": "the rhythm is not the usual one",
    "pause": "a pause follows",
    "company": "looks like beats that come early",
    "residual": "the model does not explain it",
    "irregular": "the intervals say nothing of each other",
    "noise": "noise",
}
"""What the others tell where they are high."""
SUMS = ("total", "smoothed")
"""Components that are made of the others and tell nothing by themselves."""
SILENT_SHARE = 0.08
"""Beats that come early, or late, by less come when expected."""
_MUCH = 2.5  # times as far from the usual median as is still usual


def in_words(group: Group) -> str:
    """Return why beats are flagged: when they come, what of them is not as usual, then which waves are.

    A name that is not known is told as it is.
    """
    excess = {name: _excess(group, name) for name in group.components if name not in SUMS}
    words = timing(group.early)
    hidden = ("rhythm", "company") if words else ()  # the time says it already
    waves = {wave: excess[name] for name, wave in WAVES.items() if name in excess}
    far = [wave for wave, value in waves.items() if value > _MUCH]
    near = [wave for wave, value in waves.items() if 1 < value <= _MUCH]
    words += [f"{_listed(part)} {how}unlike the record's" for part, how in ((far, ""), (near, "somewhat ")) if part]
    others = [name for name, value in excess.items() if value > 1 and name not in (*WAVES, *hidden)]
    words += [OTHERS.get(name, f"{name.replace('_', ' ')} is high") for name in others]
    if group.components and not words:
        words = ["nothing stands out by itself"]
    usual = [wave for wave, value in waves.items() if value <= 1]
    return ", ".join([*words, f"{_listed(usual)} as usual"] if usual else words)


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def timing(early: float | None) -> list[str]:
    """Return when beats come, in words, from the share of the usual interval by which they are early; none on time."""
    if early is None or not abs(early) >= SILENT_SHARE:
        return []
    if early < -1:
        return [f"comes after {1 - early:.1f} times the usual interval"]
    return [f"comes {100 * abs(early):.0f} % {'early' if early > 0 else 'late'}"]


def _excess(group: Group, name: str) -> float:
    """How high a component is: 0 at the usual median, 1 where it ends to be usual."""
    middle, high = group.usual.get(name, (0.0, 0.0))
    above = group.components[name] - middle
    return above / (high - middle) if high > middle else (2 * _MUCH if above > 0 else 0.0)
