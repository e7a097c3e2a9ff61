"""The one type of samples: rows that everything follows, what a part may see of them, leads, joining."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ecgan.errors import EcganError
from ecgan.samples import CONTEXTS, Samples, join
from tests import making

RECORDS = ["a", "a", "b", "a", "c", "b", "c", "b"]
HIDDEN = ("class_name", "symbol", "aami")


def samples(records: list[str] | None = None) -> Samples:
    """Eight beats of three records that are mixed; every value says which sample and lead it is of."""
    records = RECORDS if records is None else records
    count = len(records)
    numbers = np.arange(count)
    table = pd.DataFrame(
        {
            "class_name": np.array(["N", "V"])[numbers % 2],
            "record": records,
            "patient": [f"p{name}" for name in records],
            "sample": 100 * numbers,
            "time_s": numbers / 2,
            "symbol": "N",
            "aami": "N",
            "rr_prev_s": 0.5,
        }
    )
    signals = (numbers[:, None, None] + [[[0.1], [0.2], [0.3]]]).repeat(5, 2)
    about = {"sampling_rate": 200.0, "leads": ["I", "II", "V1"], "classes": ["N", "V"]}
    return making.samples(signals, numbers % 2, table, sha256="f" * 64, **about)


def numbers(found: Samples) -> list[int]:
    """Which of the eight beats these are, by their signals."""
    return found.signals[:, 0, 0].astype(int).tolist()


@pytest.mark.parametrize(
    "rows",
    [slice(2, 6, 2), [5, 1, 1], np.array([7, 0]), np.array(RECORDS) == "b", np.zeros(0, dtype=np.int64), slice(None)],
    ids=["slice", "list", "indices", "mask", "nothing", "everything"],
)
def test_everything_follows_rows(rows: Any) -> None:
    given = replace(samples(), places=np.arange(10, 18))
    found = given[rows]
    expected = np.arange(8)[rows].tolist()
    assert numbers(found) == expected
    assert found.signals.shape == (len(expected), 3, 5)
    assert found.table["sample"].tolist() == [100 * number for number in expected]
    assert found.table.index.tolist() == list(range(len(expected)))
    assert found.class_ids.tolist() == [number % 2 for number in expected]
    assert found.places is not None
    assert found.places.tolist() == [10 + number for number in expected]
    assert (found.about, found.sha256, len(found), found.length) == (given.about, "f" * 64, len(expected), 5)


def test_labels_patients_and_records_are_there_or_not() -> None:
    given = samples()
    assert given.records is not None
    assert given.patients is not None
    assert given.records.tolist() == RECORDS
    assert given.patients.tolist() == [f"p{name}" for name in RECORDS]
    with pytest.raises(EcganError, match="no labels"):
        _ = replace(given, labels=None).class_ids
    given.table.loc[3, "patient"] = None
    assert given.patients is None
    assert replace(given, table=given.table.drop(columns="record")).records is None


@pytest.mark.parametrize("rows", [[6, 2], np.isin(np.arange(8), [2, 6]), slice(2, 7, 4)], ids=["list", "mask", "slice"])
def test_without_context_there_is_nothing_but_signals(rows: Any) -> None:
    seen = samples().seen(rows)
    assert numbers(seen) == np.arange(8)[rows].tolist()
    assert seen.labels is None
    assert seen.around is None
    assert seen.places is None
    assert seen.sha256 == ""
    assert (seen.table.shape, seen.about) == ((2, 0), samples().about)


@pytest.mark.parametrize("context", [("record",), ("rhythm",), CONTEXTS])
@pytest.mark.parametrize(
    ("rows", "beside"),
    [
        ([4], [4, 6]),
        ([7, 2], [2, 5, 7]),
        ([6, 0], [0, 1, 3, 4, 6]),
        (np.array([0, 2]), [0, 1, 2, 3, 5, 7]),
        (np.isin(np.arange(8), [3, 5]), [0, 1, 2, 3, 5, 7]),
        (slice(None), list(range(8))),
        (np.zeros(0, dtype=np.int64), []),
        (np.zeros(8, dtype=bool), []),
    ],
)
def test_with_context_all_samples_of_exactly_those_records_stand_beside(
    rows: Any, beside: list[int], context: tuple[str, ...]
) -> None:
    seen = samples().seen(rows, context)
    assert seen.around is not None
    assert seen.places is not None
    assert numbers(seen) == np.arange(8)[rows].tolist()
    assert numbers(seen.around) == beside
    np.testing.assert_array_equal(seen.around.signals[seen.places], seen.signals)
    assert seen.around.table["sample"].iloc[seen.places].tolist() == seen.table["sample"].tolist()
    for one in (seen, seen.around):
        assert one.labels is None
        assert not set(HIDDEN) & set(one.table)
        assert {"record", "sample", "time_s", "rr_prev_s"} <= set(one.table)


def test_what_is_seen_can_be_divided_into_batches() -> None:
    seen = samples().seen([0, 2, 7, 5], ("record",))
    part = seen[2:]
    assert part.around is seen.around
    assert part.around is not None
    np.testing.assert_array_equal(part.around.signals[part.places], part.signals)


def test_a_context_needs_records_and_a_name_that_there_is() -> None:
    without = samples()
    without = replace(without, table=without.table.drop(columns="record"))
    with pytest.raises(EcganError, match="do not know their records"):
        without.seen([0], ("record",))
    assert len(without.seen([0])) == 1
    with pytest.raises(EcganError, match="no context 'patient'") as caught:
        samples().seen([0], ("record", "patient"))
    assert all(name in caught.value.hint for name in CONTEXTS)


def test_unlabelled_samples_say_nothing_of_their_classes() -> None:
    found = samples().unlabelled()
    assert found.labels is None
    assert not set(HIDDEN) & set(found.table)
    assert numbers(found.unlabelled()) == list(range(8))


def test_leads_are_picked_by_name_in_the_given_order() -> None:
    given = samples()
    picked = given.with_leads(["V1", "I"])
    np.testing.assert_array_equal(picked.signals, given.signals[:, [2, 0]])
    assert picked.about.leads == ["V1", "I"]
    assert picked.class_ids is given.class_ids
    assert given.with_leads(None) is given
    assert given.with_leads(["I", "II", "V1"]) is given
    with pytest.raises(EcganError, match="no lead V5; they have I, II, V1"):
        given.with_leads(["I", "V5"])


def test_joining_keeps_the_order_and_what_the_first_says() -> None:
    first, second = samples(), samples(["d", "e"])
    both = join([first, replace(second, about=replace(second.about, mapping="another"))])
    assert numbers(both) == [*range(8), 0, 1]
    assert both.table["record"].tolist() == [*RECORDS, "d", "e"]
    assert both.table.index.tolist() == list(range(10))
    assert both.class_ids.tolist() == [*first.class_ids.tolist(), 0, 1]
    assert both.about == first.about
    assert numbers(join([second[:0], second])) == [0, 1]


def test_joining_with_samples_whose_labels_are_not_known_gives_none() -> None:
    assert join([samples(), samples().unlabelled()]).labels is None
