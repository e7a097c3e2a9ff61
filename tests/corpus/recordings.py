"""Recordings of one's own, and what `ecgan score` needs of a trained run."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests import hospital

from .case import DETECTED, RAW_DIR, RUN, TRAINED, Spoil, add, both, cut_off, removed, written

SCORE = f"ecgan score --model {RUN} --out scores"
WFDB = f"{SCORE} mine.hea"
DETECTOR = f"{RUN}/detect/fold_0/detector.json"
ARRAYS = f"{RUN}/detect/fold_0/detector.safetensors"


def copied(project: Path) -> None:
    """The first simulated record, as a recording of one's own, `mine`."""
    for suffix in (".hea", ".dat", ".atr"):
        text = (project / RAW_DIR / f"p01{suffix}").read_bytes()
        (project / f"mine{suffix}").write_bytes(text.replace(b"p01", b"mine") if suffix == ".hea" else text)


def after(*spoils: Spoil) -> Spoil:
    """The recording, and then what is done to it."""

    return both(copied, *spoils)


def recording(name: str, command: str, spoil: Spoil, *words: str, **more: Any) -> None:
    """A recording that is scored with a run that is all there."""
    add(name, DETECTED, f"{SCORE} {command}", *words, spoil=spoil, **more)


def array(values: Any) -> Spoil:
    """A file mine.npy."""
    return lambda project: np.save(project / "mine.npy", values)


def changed(old: bytes, new: bytes, path: str = "mine.hea") -> Spoil:
    """Bytes replaced in a file."""

    def spoil(project: Path) -> None:
        content = (project / path).read_bytes()
        assert old in content
        (project / path).write_bytes(content.replace(old, new, 1))

    return spoil


def linked(name: str) -> Spoil:
    """A link that leads to itself."""
    return lambda project: (project / name).symlink_to(name)


FIRST = "reconstruction"
RATE = "--sampling-rate 360"
TRACE = np.sin(np.arange(3600) / 57.0)
LINES = "time,MLII\n" + "".join(f"{i / 360:.5f},{value:.4f}\n" for i, value in enumerate(TRACE))

recording("recording_is_not_there", "absent.hea", lambda project: None, "absent.hea")
recording("recording_of_a_mistyped_name", "mien.hea", after(), "mien.hea", "did you mean 'mine.hea'?")
recording(
    "recording_in_a_mistyped_folder",
    "dta/ecgsyn/raw/p01.hea",
    after(),
    "there is no folder dta",
    "did you mean 'data'?",
)
recording(
    "recording_is_a_link_to_itself",
    "loop.csv",
    lambda project: (project / "loop.csv").symlink_to("loop.csv"),
    "loop.csv",
    "link",
)
recording("recording_with_a_very_long_name", f"{'n' * 300}.csv", after(), "nnn")
recording("recording_of_a_name_that_acts", "\x1b]0;title\x07.csv", after(), r"\x1b]0;title\x07.csv")
recording("recording_of_a_name_that_is_no_utf_8", "a\udcff.csv", after(), r"a\xff.csv")
recording(
    "results_are_a_link_to_itself",
    "mine.hea --out loop",
    after(lambda project: (project / "loop").symlink_to("loop")),
    "loop",
)
recording("folder_without_recordings", "notes", written("notes/.todo.txt", "buy milk"), "notes")
recording("file_of_an_unknown_kind", "mine.doc", written("mine.doc", "x"), "mine.doc", ".edf")
recording("recording_without_data", "mine.hea", after(removed("mine.dat")), "mine.dat")
recording("recording_without_header", "mine.dat", after(removed("mine.hea")), "mine.hea")
recording("recording_cut_off", "mine.hea", after(cut_off("mine.dat", 5000)), "mine.dat", "cut off")
recording("recording_at_0_hz", "mine.hea", after(changed(b" 2 360 ", b" 2 0 ")), "mine", "0 Hz")
recording("recording_without_the_lead", "mine.hea", after(changed(b"MLII", b"V5")), "MLII", "V5", "--leads")
recording("lead_that_is_not_there", "mine.hea --leads V7", after(), "V7", "MLII")
recording("too_many_leads", "mine.hea --leads MLII,V1", after(), "leads", "MLII")
recording("annotator_that_is_not_there", "mine.hea --annotator ann", after(), "mine.ann")
recording("annotations_cut_off", "mine.hea --annotator atr", after(cut_off("mine.atr", 11)), "mine.atr")
recording("no_annotations_in_the_file", "mine.hea --annotator atr", after(written("mine.atr", b"\0\0")), "mine")
recording("unknown_strategy_of_the_run", "mine.hea --strategy sum", after(), "'sum'", "reconstruction")
recording("threshold_is_a_word", "mine.hea --threshold high", after(), "--threshold", status=2)
recording("threshold_is_not_finite", "mine.hea --threshold nan", after(), "threshold")
recording("csv_without_a_rate", "mine.csv", written("mine.csv", "MLII\n0.1\n0.2\n"), "mine.csv", "--sampling-rate")
recording(
    "csv_with_words", f"mine.csv {RATE}", written("mine.csv", "MLII\n" + "0.1\n" * 50 + "much\n"), "mine.csv", "much"
)
recording("csv_of_uneven_lines", "mine.csv", written("mine.csv", LINES + "1,2,3,4\n"), "mine.csv", "line 3602")
recording("csv_is_empty", f"mine.csv {RATE}", written("mine.csv", ""), "mine.csv")
recording("csv_of_names_only", f"mine.csv {RATE}", written("mine.csv", "MLII,V1\n"), "mine.csv")
recording("csv_is_not_text", f"mine.csv {RATE}", written("mine.csv", b"MLII\n\xff\xfe\n"), "mine.csv")
recording("csv_of_zeros", f"mine.csv {RATE}", written("mine.csv", b"\0" * 1000), "mine.csv")
recording(
    "time_runs_backwards",
    "mine.csv",
    written("mine.csv", "time,MLII\n" + "".join(f"{-i},0.1\n" for i in range(99))),
    "mine.csv",
    "time",
)
recording("rate_that_contradicts_times", "mine.csv --sampling-rate 250", written("mine.csv", LINES), "360 Hz", "250 Hz")
recording("rate_of_no_ecg", "mine.csv", written("mine.csv", LINES.replace("time", "time_ms")), "mine", "360,000 Hz")
COUNTS = "MLII\n" + "".join(f"{1024 + 200 * value:.0f}\n" for value in TRACE)
recording("counts_of_a_converter", f"mine.csv {RATE}", written("mine.csv", COUNTS), "MLII", "--gain", "--unit")
recording("comma_that_may_be_either", f"mine.csv {RATE}", written("mine.csv", "1,5\n2,7\n3,1\n" * 5), "line 1", "'1,5'")
recording(
    "two_decimal_signs",
    f"mine.csv {RATE}",
    written("mine.csv", "a;b\n" + "0.5;1.5\n" * 50 + "0,5;1\n"),
    "line 52",
    "'0,5'",
)
recording("csv_of_very_many_columns", f"mine.csv {RATE}", written("mine.csv", ("1," * 99_999 + "1\n") * 20), "columns")
recording("csv_of_empty_lines", f"mine.csv {RATE}", written("mine.csv", "\n" * 2_000_000), "mine.csv")
recording("workbook_called_csv", f"mine.csv {RATE}", written("mine.csv", b"PK\x03\x04"), "workbook")
recording("npy_without_a_rate", "mine.npy", array(TRACE), "mine.npy", "--sampling-rate")
recording("npy_at_0_hz", "mine.npy --sampling-rate 0", array(TRACE), "0")
recording("npy_at_a_rate_below_zero", "mine.npy --sampling-rate -5", array(TRACE), "-5")
recording("npy_of_objects", f"mine.npy {RATE}", array(np.array([{"a": 1}, None], dtype=object)), "mine.npy")
recording("npy_of_text", f"mine.npy {RATE}", array(np.array(["a", "b"])), "mine.npy")
recording("npy_of_three_dimensions", f"mine.npy {RATE} --leads 1", array(np.zeros((5, 6, 7))), "mine.npy", "(5, 6, 7)")
recording("npy_of_one_sample", f"mine.npy {RATE} --leads 1", array(np.zeros(1)), "mine")
recording("npy_of_nothing", f"mine.npy {RATE} --leads 1", array(np.zeros((0, 1))), "mine")
recording("npy_all_missing", f"mine.npy {RATE} --leads 1", array(np.full(3600, np.nan)), "mine")
recording("npy_beyond_all_measure", f"mine.npy {RATE} --leads 1", array(TRACE * 1e200), "mine", "1e+200 mV")
recording("npy_all_flat", f"mine.npy {RATE} --leads 1", array(np.ones(3600)), "mine", "flat")
recording("npy_shorter_than_a_beat", f"mine.npy {RATE} --leads 1", array(TRACE[:40]), "mine")
recording(
    "npy_is_cut_off",
    f"mine.npy {RATE}",
    both(array(TRACE), cut_off("mine.npy", 900)),
    "mine.npy",
)
HEADER = b"{'descr': '<f8', 'fortran_order': False, 'shape': (999999999999,), }"
TERABYTES = written("mine.npy", b"\x93NUMPY\x01\0v\0" + HEADER.ljust(117) + b"\n")
recording("npy_that_declares_terabytes", f"mine.npy {RATE}", TERABYTES, "mine.npy")


def listed(lines: str) -> Spoil:
    """A record of several segments, `all`, of which the recording is one."""
    return after(written("all.hea", f"all/2 2 360{lines}\n"))


recording("segment_outside_the_folder", "all.hea", listed("\n../x 100\nmine 100"), "all.hea", "'../x.hea'")
recording("segment_without_a_name", "all.hea", listed("\n. 100\nmine 100"), "..hea", "not there")
recording("segments_and_total_differ", "all.hea", listed(" 99999999\n~ 1\nmine"), "all.hea", "99,999,999")
recording("signal_file_outside_the_folder", "mine.hea", after(changed(b"mine.dat", b"../mine.dat")), "'../mine.dat'")
recording("record_that_is_one_long_gap", "all.hea", listed("\n~ 900000000\nmine"), "all", "claims")
recording("edf_is_cut_off", "mine.edf", written("mine.edf", b"0       " + b" " * 200), "mine.edf")
recording("edf_of_words", "mine.edf", written("mine.edf", "this is no recording"), "mine.edf")
recording("npz_is_no_archive", f"mine.npz {RATE}", written("mine.npz", b"PK\x03\x04 nothing"), "mine.npz")
recording("results_are_there_already", "mine.hea", after(written("scores/mine.csv", "old")), "mine.csv", "--force")
recording(
    "decisions_come_from_a_pipe",
    "mine.hea --decisions it.csv",
    after(lambda project: os.mkfifo(project / "it.csv")),
    "it.csv",
    "pipe",
)
recording("decisions_are_not_there", "mine.hea --decisions none.csv", after(), "none.csv", "No such file")
recording(
    "decisions_without_decisions",
    "mine.hea --decisions it.csv",
    after(written("it.csv", "family,beats\n1,2\n")),
    "it.csv",
    "decision",
)
recording(
    "decisions_of_other_families",
    "mine.hea --decisions it.csv",
    after(written("it.csv", "family,decision,beats,first_beat\n99,accepted,5,1\n")),
    "it.csv",
    "family 99",
)
recording("results_into_a_file", "mine.hea", after(written("scores", "a file")), "scores")
add("score_without_detect", TRAINED, WFDB, "detect", "ecgan detect", spoil=copied)
add("score_with_no_run", DETECTED, "ecgan score mine.hea --model nowhere", "nowhere", spoil=copied)
add("score_nothing", DETECTED, f"{SCORE}", "RECORD", status=2)


def detector(name: str, change: Callable[[dict[str, Any]], Any], *words: str) -> None:
    """A fitted detector of which something is changed."""

    def spoil(project: Path) -> None:
        copied(project)
        found = json.loads((project / DETECTOR).read_text())
        change(found)
        (project / DETECTOR).write_text(json.dumps(found))

    add(name, DETECTED, WFDB, *words, spoil=spoil)


detector("detector_of_another_format", lambda it: it.update(format=1), "detector.json", "format 1")
detector("detector_is_unknown", lambda it: it.update(detector="mine"), "detector.json", "'mine'")
detector("detector_option_is_unknown", lambda it: it["options"].update(colour="red"), "detector.json", "colour")
detector(
    "detector_option_is_wrong",
    lambda it: it["options"].update(discrimination="sum"),
    "detector.json",
    "discrimination",
    "'sum'",
)
detector(
    "threshold_of_the_detector_is_missing",
    lambda it: it["strategies"][FIRST].pop("threshold"),
    "detector.json",
    "threshold",
)
detector(
    "threshold_of_the_detector_is_text",
    lambda it: it["strategies"][FIRST]["threshold"].update(value="high"),
    "detector.json",
    "'high'",
)
detector("strategies_are_none", lambda it: it.update(strategies={}, order=[]), "detector.json")
detector("strategy_is_unknown", lambda it: it.update(strategies={"sum": {}}, order=["sum"]), "detector.json", "'sum'")
detector("learned_value_is_missing", lambda it: it.update(values={}), "detector.json", "latent_mode")
add("detector_is_a_list", DETECTED, WFDB, "detector.json", spoil=after(written(DETECTOR, "[1]")))
add("detector_is_cut_off", DETECTED, WFDB, "detector.json", "not JSON", spoil=after(cut_off(DETECTOR, 200)))
add("arrays_of_the_detector_are_missing", DETECTED, WFDB, "detector.safetensors", spoil=after(removed(ARRAYS)))

ENTITIES = '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;&x;&x;&x;&x;&x;">]>'
recording(
    "holter_cut_in_its_header", "mine.ecg", written("mine.ecg", hospital.ishne(hospital.wave())[:400]), "mine.ecg"
)
recording(
    "holter_of_too_many_leads",
    "mine.ecg",
    written("mine.ecg", hospital.ishne(hospital.wave())[:156] + b"\xff\x7f" + hospital.ishne(hospital.wave())[158:]),
    "mine.ecg",
    "32767",
)
recording("scp_cut_off", "mine.scp", written("mine.scp", hospital.scp(hospital.wave())[:-30]), "mine.scp", "cut off")
recording(
    "scp_of_more_samples_than_bytes",
    "mine.scp",
    written("mine.scp", hospital.scp(hospital.wave(), ends=4_000_000_000)),
    "4,000,000,000",
)
recording("dicom_cut_off", "mine.dcm", written("mine.dcm", hospital.dicom(hospital.wave())[:-50]), "mine.dcm")
recording(
    "xml_with_entities", "mine.xml", written("mine.xml", hospital.aecg(hospital.wave(), before=ENTITIES)), "entity"
)
recording("xml_of_another_kind", "mine.xml", written("mine.xml", "<settings/>"), "mine.xml", "MUSE")
recording("matlab_without_its_header", "mine.mat", written("mine.mat", b"MATLAB 5.0"), "mine.mat", "mine.hea")
recording("url_with_a_password", "https://me:secret@host/mine.hea", after(), "password")
recording("url_of_no_kind", "gopher://host/mine.hea", after(), "gopher")
recording("url_of_a_folder", "s3://bucket/folder/", after(), "names no file")
recording("url_without_a_server", "http://127.0.0.1:9/mine.edf", after(), "http://127.0.0.1:9/mine.edf")
