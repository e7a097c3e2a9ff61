"""Processed data: pickles, tables, descriptions. Every file may come from anywhere."""

import io
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .case import PROCESSED, PROCESSED_DIR, add, case, cut_off, removed, written

DO = "ecgan split"
DATA, LABELS = f"{PROCESSED_DIR}/data.pkl", f"{PROCESSED_DIR}/label.pkl"
TABLE, ABOUT = f"{PROCESSED_DIR}/samples.csv", f"{PROCESSED_DIR}/dataset.json"


class _Command:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch hacked",)


class _Builtin:
    def __reduce__(self) -> tuple[Any, ...]:
        return eval, ("open('hacked', 'w')",)


def pickled(name: str, value: Any, *words: str, path: str = DATA, protocol: int = 4) -> None:
    """A pickle of this value."""
    add(name, PROCESSED, DO, Path(path).name, *words, spoil=written(path, pickle.dumps(value, protocol=protocol)))


def bytes_(name: str, content: bytes, *words: str) -> None:
    """A data.pkl of these bytes."""
    add(name, PROCESSED, DO, "data.pkl", *words, spoil=written(DATA, content))


def table(name: str, change: Callable[[list[str]], list[str]], *words: str) -> None:
    """A samples.csv of which lines are changed."""

    def spoil(project: Path) -> None:
        lines = (project / TABLE).read_text().splitlines()
        (project / TABLE).write_text("\n".join(change(lines)) + "\n")

    add(name, PROCESSED, DO, "samples.csv", *words, spoil=spoil)


def about(name: str, change: dict[str, Any], *words: str) -> None:
    """A dataset.json of which keys are changed; None leaves a key out."""

    def spoil(project: Path) -> None:
        found = json.loads((project / ABOUT).read_text()) | change
        (project / ABOUT).write_text(json.dumps({key: value for key, value in found.items() if value is not ...}))

    add(name, PROCESSED, DO, "dataset.json", *words, spoil=spoil)


REFUSED = "refused"
pickled("pickle_runs_a_command", _Command(), REFUSED, "posix.system")
pickled("pickle_evaluates", _Builtin(), REFUSED, "builtins.eval")
pickled("pickle_runs_a_command_in_protocol_0", _Command(), REFUSED, "posix.system", protocol=0)
pickled("labels_run_a_command", _Command(), REFUSED, "posix.system", path=LABELS)
pickled("array_of_objects", np.array([[["a", None]]], dtype=object), REFUSED)
pickled("array_of_text", np.array([[["a", "b"]]]), REFUSED, "not numeric")
pickled("array_with_fields", np.zeros(3, dtype=[("x", "f4")]), REFUSED)
pickled("times", np.zeros((3, 4, 1), dtype="M8[s]"), REFUSED)
pickled("list_of_lists", [[1.0, 2.0]], REFUSED)
pickled("a_mapping", {"data": np.zeros((3, 4, 1))}, REFUSED)
pickled("two_arrays", (np.zeros((3, 4, 1)), np.zeros(3)), REFUSED, "no array")
pickled("whole_numbers_for_signals", np.zeros((3, 4, 1), dtype=int), "int64", "floating")
pickled("two_dimensions", np.zeros((3, 4)), "(3, 4)", "3 dimensions")
pickled("protocol_5", np.zeros((3, 4), order="F"), "(3, 4)", "3 dimensions", protocol=5)
pickled("fractions_for_labels", np.zeros(3), "float64", "whole numbers", path=LABELS)
pickled("labels_of_two_dimensions", np.zeros((3, 1), dtype=int), "(3, 1)", path=LABELS)
pickled("too_few_labels", np.zeros(3, dtype=int), "3 labels", path=LABELS)
pickled("no_samples_at_all", np.zeros((0, 64, 1), dtype="f4"), "0 samples")
bytes_("empty_pickle", b"", "no pickled array")
bytes_("text_for_a_pickle", b"0.1,0.2,0.3\n", REFUSED)
bytes_("npy_for_a_pickle", b"\x93NUMPY\x01\0v\0{'descr': '<f4'}", "no pickled array")
bytes_("pickle_that_asks_for_terabytes", b"\x80\x04\x8e" + (1 << 42).to_bytes(8, "little") + b"x", "no pickled array")
bytes_("pickle_that_asks_for_a_huge_memo", b"\x80\x04K\x01r\xff\xff\xff\x7f.", REFUSED)
bytes_("pickle_that_nests_itself", b"\x80\x04" + b"(" * 100_000 + b"t" * 100_000 + b".", REFUSED)
bytes_("pickle_that_grows", b"\x80\x04K\x01" + b"2\x86" * 60 + b".", REFUSED)
bytes_("pickle_with_an_outside_object", b"\x80\x04K\x01Q.", REFUSED, "outside")
bytes_("pickle_of_an_extension", b"\x80\x04\x82\x01.", REFUSED)
add("truncated_pickle", PROCESSED, DO, "data.pkl", "no pickled array", spoil=cut_off(DATA, -100))
add("no_labels", PROCESSED, DO, "label.pkl", "ecgan preprocess", spoil=removed(LABELS))
add("no_samples_table", PROCESSED, DO, "samples.csv", "ecgan preprocess", spoil=removed(TABLE))
add("no_description", PROCESSED, DO, "dataset.json", "ecgan preprocess", spoil=removed(ABOUT))
add("no_data", PROCESSED, DO, "ecgan preprocess", spoil=removed(DATA))


@case(PROCESSED, DO, "data.pkl", REFUSED)
def shape_that_is_declared_huge(project: Path) -> None:
    content = pickle.dumps(np.zeros((3, 4, 1), dtype="f4"), protocol=4)
    old, new = b"K\x03K\x04K\x01", b"J\xff\xff\xff\x7fK\x04K\x01"
    start = content.index(old)
    content = content[:start] + new + content[start + len(old) :]
    frame = int.from_bytes(content[3:11], "little") + len(new) - len(old)
    (project / DATA).write_bytes(content[:3] + frame.to_bytes(8, "little") + content[11:])


@case(PROCESSED, DO, "data.pkl", REFUSED, "pandas.DataFrame", python=True)
def table_for_an_array(project: Path) -> None:
    import pandas as pd

    file = io.BytesIO()
    pd.DataFrame({"x": [1.0]}).to_pickle(file, protocol=4)
    (project / DATA).write_bytes(file.getvalue())


@case(PROCESSED, DO, "data.pkl", "3 of", "samples")
def signals_that_are_no_numbers(project: Path) -> None:
    from ecgan.arrays import load_array, save_array

    data = load_array(project / DATA, ndim=3, kind="f").copy()
    data[:3, 0] = np.nan
    save_array(project / DATA, data)


@case(PROCESSED, DO, "label.pkl", "9")
def label_of_no_class(project: Path) -> None:
    from ecgan.arrays import load_array, save_array

    labels = load_array(project / LABELS, ndim=1, kind="iu").copy()
    labels[0] = 9
    save_array(project / LABELS, labels)


@case(PROCESSED, DO, "label.pkl", "-1")
def negative_label(project: Path) -> None:
    from ecgan.arrays import load_array, save_array

    labels = load_array(project / LABELS, ndim=1, kind="iu").copy()
    labels[0] = -1
    save_array(project / LABELS, labels)


table("row_missing", lambda lines: lines[:-1], "rows")
table("no_rows", lambda lines: lines[:1], "0 rows")
table("no_lines", lambda lines: [], "samples.csv")
table("class_name_missing", lambda lines: [line.split(",", 1)[1] for line in lines], "class_name")
table("row_too_long", lambda lines: [*lines[:2], lines[2] + ",1,2,3", *lines[3:]], "line 3")
table(
    "word_for_a_position",
    lambda lines: [lines[0], *(",".join([*line.split(",")[:3], "soon", *line.split(",")[4:]]) for line in lines[1:])],
    "sample",
    "'soon'",
)
table(
    "word_for_an_interval",
    lambda lines: [lines[0], *(line.rsplit(",", 1)[0] + ",long" for line in lines[1:])],
    "rr_next_s",
    "'long'",
)
table(
    "word_for_a_shift",
    lambda lines: [f"{lines[0]},shift", *(f"{line},far" for line in lines[1:])],
    "shift",
    "'far'",
)
table(
    "class_of_another_label",
    lambda lines: [lines[0], "X," + lines[1].split(",", 1)[1], *lines[2:]],
    "class_name",
    "'X'",
)
add(
    "table_is_not_text", PROCESSED, DO, "samples.csv", "UTF-8", spoil=written(TABLE, b"class_name,record\nN,\xff\xfe\n")
)
add("table_of_zeros", PROCESSED, DO, "samples.csv", spoil=written(TABLE, b"\0" * 100))
add("quotes_without_end", PROCESSED, DO, "samples.csv", spoil=written(TABLE, 'class_name,record\nN,"100\nN,101\n'))
about("description_lacks_the_leads", {"leads": ...}, "leads", "missing")
about("description_lacks_the_peak", {"centre": ...}, "centre", "missing")
about("unknown_key_of_a_dataset", {"colour": "blue"}, "'colour'")
about("rate_is_a_word", {"sampling_rate": "fast"}, "sampling_rate", "'fast'")
about("rate_below_zero", {"sampling_rate": -360.0}, "sampling_rate", "-360")
about("leads_are_a_word", {"leads": "MLII"}, "leads", "'MLII'")
about("one_lead_too_many", {"leads": ["MLII", "V1"]}, "2 lead", "1 channel")
about("no_classes", {"classes": []}, "classes")
about("peak_beyond_the_window", {"centre": 999}, "centre", "999")
add("description_is_not_json", PROCESSED, DO, "dataset.json", "not JSON", spoil=written(ABOUT, "{'name': 'ecgsyn'}"))
add("description_is_a_list", PROCESSED, DO, "dataset.json", "list", spoil=written(ABOUT, "[1, 2]"))
add("description_is_empty", PROCESSED, DO, "dataset.json", "not JSON", spoil=written(ABOUT, ""))
add("description_is_not_text", PROCESSED, DO, "dataset.json", "not JSON", spoil=written(ABOUT, b"\xff\xfe{}"))
add("description_nests_itself", PROCESSED, DO, "dataset.json", "not JSON", spoil=written(ABOUT, "[" * 100_000))
