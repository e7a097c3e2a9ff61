"""Records of a dataset: headers, signals, annotations."""

import re
from pathlib import Path

import numpy as np

from .case import DETECTED, RAW, RAW_DIR, add, case, cut_off, removed, replaced, written

DO = "ecgan preprocess"
HEADER = f"{RAW_DIR}/p01.hea"
SIGNALS = f"{RAW_DIR}/p01.dat"
BEATS = f"{RAW_DIR}/p01.atr"
AGAIN = "ecgan fetch"


def header(name: str, pattern: str, new: str, *words: str) -> None:
    """A header in which one thing is changed."""

    def spoil(project: Path) -> None:
        text = (project / HEADER).read_text()
        changed = re.sub(pattern, new, text, count=1)
        assert changed != text
        (project / HEADER).write_text(changed)

    add(name, RAW, DO, *words, spoil=spoil)


add("no_header", RAW, DO, "p01.hea", "not there", AGAIN, spoil=removed(HEADER))
add("no_signals", RAW, DO, "p01.dat", "not there", AGAIN, spoil=removed(SIGNALS))
add("no_annotations", RAW, DO, "p01.atr", "not there", AGAIN, spoil=removed(BEATS))
add("no_list_of_records", RAW, DO, "RECORDS", AGAIN, spoil=removed(f"{RAW_DIR}/RECORDS"))
add("empty_list_of_records", RAW, DO, "RECORDS", spoil=written(f"{RAW_DIR}/RECORDS", ""))
add("list_of_records_is_not_text", RAW, DO, "RECORDS", spoil=written(f"{RAW_DIR}/RECORDS", b"p01\n\xff\xfe\n"))
add(
    "list_of_records_leads_out",
    RAW,
    DO,
    "RECORDS",
    "../../../secret",
    spoil=written(f"{RAW_DIR}/RECORDS", "../../../secret\n"),
)
add("truncated_data", RAW, DO, "p01.dat", "cut off", AGAIN, spoil=cut_off(SIGNALS, 5000))
add("raw_data_are_damaged_later", DETECTED, DO, "p01.dat", "cut off", spoil=cut_off(SIGNALS, 5000))  # the old stay
add("data_one_byte_short", RAW, DO, "p01.dat", AGAIN, spoil=cut_off(SIGNALS, -1))
add("empty_data", RAW, DO, "p01.dat", AGAIN, spoil=written(SIGNALS, b""))
add("truncated_annotations", RAW, DO, "p01.atr", "damaged", AGAIN, spoil=cut_off(BEATS, -3))
add("empty_annotations", RAW, DO, "p01.atr", "cut off", spoil=written(BEATS, b""))
add("header_is_not_text", RAW, DO, "p01.hea", spoil=written(HEADER, b"\xff\xd8\xff\xe0 a picture"))
add("empty_header", RAW, DO, "p01.hea", spoil=written(HEADER, ""))
add("header_of_words", RAW, DO, "p01.hea", spoil=written(HEADER, "this is no header at all\n"))
add("raw_folder_is_missing", "params", DO, RAW_DIR, AGAIN)
header("damaged_header", r"212", "2x2", "p01.hea")
header("unknown_storage_format", r" 212 ", " 999 ", "p01.hea", "999")
header("wrong_checksum", r"(?m)(\S+ \S+ \S+ \S+ \S+) -?\d+ (\d+ MLII)", r"\1 12345 \2", "p01", "checksum", "MLII")
header("rate_of_zero", r"^(p01 2) 360", r"\1 0", "p01", "0 Hz")
header("negative_rate", r"^(p01 2) 360", r"\1 -360", "p01.hea")
header("more_samples_than_there_are", r"^(p01 2 360) \d+", r"\1 99999999", "p01")
header("trillions_of_samples", r"^(p01 2 360) \d+", r"\1 9999999999999", "p01")
header("thousands_of_leads", r"^p01 2 ", "p01 9000 ", "p01.hea")
header("no_leads", r"^p01 2 ", "p01 0 ", "p01")
header("data_elsewhere", r"p01\.dat", "../../../params.yaml", "p01.hea")
header("another_rate_than_the_others", r"^(p01 2) 360", r"\1 250", "250, 360 Hz")


@case(RAW, DO, "lead without any value", "preprocess.cleansing")
def samples_are_missing_and_are_to_be_kept(project: Path) -> None:
    from ecgan.ecg.records import read_record, write_record

    record = read_record(project / RAW_DIR, "p01")
    record.signals[1000:2000] = np.nan
    write_record(project / RAW_DIR, record)
    replaced("params.yaml", "drop: true", "drop: false")(project)


@case(RAW, DO, "p01.atr", "beyond")
def annotations_beyond_the_end(project: Path) -> None:
    from dataclasses import replace

    from ecgan.ecg.records import read_record, write_record

    record = read_record(project / RAW_DIR, "p01")
    write_record(project / RAW_DIR, replace(record, samples=record.samples + 10_000_000))


@case(RAW, DO, "MLII", "no record")
def no_record_is_in_volts(project: Path) -> None:
    for file in (project / RAW_DIR).glob("*.hea"):
        file.write_text(file.read_text().replace("/mV", "/mmHg"))


@case(RAW, DO, "no annotated beats")
def no_beats_in_any_record(project: Path) -> None:
    for file in (project / RAW_DIR).glob("*.atr"):
        file.write_bytes(b"\0\0")
