"""What speaks against a score: the model, its leads and rate, what is flagged, the beats, the leads."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from ecgan.datasets.mitbih import Mitbih
from ecgan.ecg.records import Record
from ecgan.ecg.simulated_patients import simulate
from ecgan.errors import EcganError
from ecgan.reporting.recordings import ScoredRecording
from ecgan.scoring.batch import SUMMARIES, Wanted, score_all, summary_frame
from ecgan.scoring.console import tell
from ecgan.scoring.doubts import beat_doubts, lead_doubts, likeness
from ecgan.scoring.leads import AUTO
from ecgan.scoring.recording import score_recording
from ecgan.scoring.scorer import Scorer
from tests.scorers import toy_scorer


@pytest.fixture(scope="module")
def record() -> Record:
    """Two minutes of leads MLII and V1 at 360 Hz, its beats as annotations."""
    return simulate(2, 7, 2.0, 1.0, 1.0)


def real_scorer(**options: object) -> Scorer:
    """A run that was not trained on simulated patients."""
    dataset = Mitbih()
    return toy_scorer(dataset=dataset, options=dataset.Preprocess(), **options)  # type: ignore[arg-type]


def scored(record: Record, scorer: Scorer | None = None, **options: object) -> ScoredRecording:
    return score_recording(record, scorer or real_scorer(threshold=9.0), **options)  # type: ignore[arg-type]


def bare(record: Record, **changes: object) -> Record:
    return replace(record, samples=np.zeros(0, dtype=np.int64), symbols=[], notes=[], **changes)  # type: ignore[arg-type]


def named(record: Record, *leads: str) -> Record:
    return bare(record, leads=list(leads))


def test_a_sound_recording_has_none(record: Record) -> None:
    assert scored(bare(record)).warnings == []


def test_models_of_simulated_patients_of_other_leads_and_rates(record: Record) -> None:
    (simulated,) = scored(bare(record), toy_scorer(threshold=9.0)).warnings
    assert "ecgsyn" in simulated
    (other,) = scored(named(record, "II", "V1"), leads=["II"]).warnings
    assert "II for MLII" in other
    assert scored(named(record, "ECG MLII", "V1")).warnings == []
    slow = bare(record, signals=record.signals[::3], sampling_rate=120.0)
    (rate,) = scored(slow).warnings
    assert "120 Hz" in rate
    assert scored(bare(record, signals=record.signals[::2], sampling_rate=180.0)).warnings == []


def test_most_is_flagged(record: Record, tmp_path: Path) -> None:
    everything = scored(bare(record), real_scorer(threshold=0.0))
    found = [text for text in everything.warnings if "flagged" in text and text.startswith("All ")]
    assert len(found) == 1
    sizes = scored(bare(record)).beats["score"].dropna()
    most = scored(bare(record), real_scorer(threshold=float(np.quantile(sizes, 0.3))))
    (words,) = [text for text in most.warnings if "are flagged" in text]
    assert words.startswith(("70 %", "69 %", "71 %"))
    assert not [text for text in most.warnings if "usual ones" in text]  # said once
    some = scored(bare(record), real_scorer(threshold=float(np.quantile(sizes, 0.6))))
    assert not [text for text in some.warnings if "are flagged" in text]

    wanted = [Wanted(Path(f"{name}.hea"), Path(f"{name}.hea"), name) for name in ("all", "none")]
    outcomes = score_all(wanted, tmp_path, lambda path: everything if path == Path("all.hea") else scored(bare(record)))
    frame = summary_frame(outcomes).set_index("record")
    assert frame.loc["all", "status"] != "scored"
    assert frame.loc["none", "status"] == "scored"
    assert found[0] in frame.loc["all", "warnings"]
    assert frame.loc["all", "noisy"] == 0
    assert found[0] in json.loads((tmp_path / "all.json").read_text())["warnings"]
    assert found[0] in (tmp_path / "all.html").read_text()
    assert found[0] in (tmp_path / SUMMARIES[1]).read_text()
    console, errors = Console(record=True, width=200), Console(record=True, width=400)
    tell(outcomes, tmp_path, console, errors)
    (line,) = [line for line in console.export_text().splitlines() if line.startswith("all")]
    assert "warning" in line
    assert found[0] in errors.export_text()


def test_beats_that_are_missing_or_too_many(record: Record) -> None:
    every = np.arange(300, 40_000, 300)
    sound = replace(record, samples=every, symbols=[])
    assert beat_doubts(sound) == []
    (missing,) = beat_doubts(replace(sound, samples=np.delete(every, np.arange(5, 120, 6))))
    assert "20 more" in missing
    assert beat_doubts(replace(sound, samples=np.delete(every, [20, 60, 61]))) == []
    doubled = np.sort(np.concatenate([every, every[::4] + 100]))
    (many,) = beat_doubts(replace(sound, samples=doubled))
    assert "within 300 ms" in many
    gap = record.signals.copy()
    gap[10_000:20_000] = np.nan  # nothing was recorded: nothing is missing
    rows = (every < 10_000) | (every >= 20_000)
    assert beat_doubts(replace(sound, signals=gap, samples=every[rows])) == []
    assert beat_doubts(replace(sound, samples=every[:10])) == []


def test_leads_that_hold_nothing(record: Record) -> None:
    generator = np.random.default_rng(4)
    noise = np.convolve(generator.normal(size=len(record.signals)), np.ones(9) / 9, "same")
    peaks = record.samples
    assert lead_doubts(record) == []
    beats = [likeness(values, peaks, 360.0) for values in record.signals.T]
    assert min(value for value in beats if value is not None) > 0.6
    empty = likeness(noise, peaks, 360.0)
    assert empty is not None
    assert empty < 0.2
    for spoilt, word in (
        (noise, "noise"),
        (1e-3 * np.sin(np.arange(len(noise)) / 50), "flat"),
        (np.where(np.arange(len(noise)) < 30_000, np.nan, record.signals[:, 1]), "missing"),
    ):
        (found,) = lead_doubts(replace(record, signals=np.column_stack([record.signals[:, 0], spoilt])))
        assert word in found
        assert "V1" in found
    assert likeness(noise, peaks[:10], 360.0) is None


def test_leads_are_derived_when_they_are_asked_for(record: Record) -> None:
    limb = named(record, "I", "II")
    third = record.signals[:, 1] - record.signals[:, 0]
    found = scored(limb, leads=["III"])
    np.testing.assert_array_equal(found.record.signals[:, 0], third)
    assert found.facts["derived"] == {"III": "II - I"}
    for_model = scored(limb, real_scorer(leads=["aVF"], threshold=9.0))
    np.testing.assert_allclose(
        for_model.record.signals[:, 0], record.signals[:, 1] - record.signals[:, 0] / 2, atol=1e-15
    )
    assert for_model.facts["derived"] == {"aVF": "II - I / 2"}
    assert "derived" not in scored(limb, leads=["II"]).facts
    with pytest.raises(EcganError, match="no lead 'III'"):
        scored(named(record, "MLII", "V1"), leads=["III"])


def test_leads_of_standards_are_found_and_mlii_is_never_ii(record: Record) -> None:
    scorer = real_scorer(leads=["II", "V1"], threshold=9.0)
    for names in (("MDC_ECG_LEAD_II", "MDC_ECG_LEAD_V1"), ("Lead II", "ECG V1"), ("DII", "C1")):
        found = scored(named(record, *names), scorer, leads=AUTO)
        np.testing.assert_array_equal(found.record.signals, record.signals)
    with pytest.raises(EcganError, match="no lead"):
        scored(named(record, "DII", "C1"), scorer)
    derived = scored(named(record, "DI", "DII"), real_scorer(leads=["III"], threshold=9.0), leads=AUTO)
    np.testing.assert_array_equal(derived.record.signals[:, 0], record.signals[:, 1] - record.signals[:, 0])
    for leads in (None, AUTO):
        with pytest.raises(EcganError, match="no lead") as caught:
            scored(named(record, "V1", "II"), real_scorer(threshold=9.0), leads=leads)
        assert "--leads II " in caught.value.hint
        with pytest.raises(EcganError, match="no lead") as caught:
            scored(named(record, "MLII", "V1"), real_scorer(leads=["II"], threshold=9.0), leads=leads)


def test_remarks_of_a_file_reach_its_reader(record: Record) -> None:
    assert scored(bare(record, warnings=["The last 0.4 s are left out."])).warnings == ["The last 0.4 s are left out."]
