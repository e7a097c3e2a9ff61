"""Raw files of other datasets: archives, mirrors, tables as others publish them, folders of one's own."""

import io
import stat
import zipfile
from pathlib import Path
from typing import Any

from ecgan.config import render_params
from tests.raw import made_up

from .case import PARAMS, Spoil, add, both, written
from .project import run

FETCH, PREPROCESS = "ecgan fetch", "ecgan preprocess"
ARCHIVE = "mirror/www.timeseriesclassification.com/aeon-toolkit/Wafer.zip"
MITDB = "mirror/physionet.org/files/mitdb/1.0.0"


def dataset(name: str, **sections: dict[str, Any]) -> Spoil:
    """Parameters of a dataset."""

    def spoil(project: Path) -> None:
        (project / "params.yaml").write_text(render_params(name, ["aegan"], {}, overrides=sections))

    return spoil


def entry(name: str, mode: int = stat.S_IFREG | 0o644) -> zipfile.ZipInfo:
    """A member of an archive."""
    found = zipfile.ZipInfo(name)
    found.external_attr = mode << 16
    found.compress_type = zipfile.ZIP_DEFLATED
    return found


def packed(*members: tuple[zipfile.ZipInfo, bytes]) -> bytes:
    """An archive of these members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for info, content in members:
            archive.writestr(info, content)
    return file.getvalue()


def archive(name: str, content: bytes, *words: str) -> None:
    """An archive that the mirror holds in place of the published one."""
    spoil = both(dataset("wafer"), written(ARCHIVE, content))
    add(name, PARAMS, FETCH, "Wafer.zip", *words, spoil=spoil)


GOOD = packed((entry("Wafer_TRAIN.ts"), b"@data\n" + b"1,2:1\n" * 200))
ENCRYPTED = bytearray(GOOD)
ENCRYPTED[6] |= 1
ENCRYPTED[ENCRYPTED.index(b"PK\1\2") + 8] |= 1

archive("archive_is_no_archive", b"<html>moved</html>", "damaged")
archive("archive_is_empty", b"", "damaged")
archive("archive_is_cut_off", GOOD[:-30], "damaged")
archive("archive_is_damaged_inside", GOOD[:45] + b"\xff\xff\xff" + GOOD[48:], "damaged")
archive("archive_writes_outside", packed((entry("../../Wafer_TRAIN.ts"), b"x")), "'../../Wafer_TRAIN.ts'")
archive("archive_writes_to_the_root", packed((entry("/etc/Wafer_TRAIN.ts"), b"x")), "'/etc/Wafer_TRAIN.ts'")
archive("archive_with_a_link", packed((entry("Wafer_TRAIN.ts", stat.S_IFLNK | 0o777), b"/etc/passwd")), "is a link")
archive("archive_that_explodes", packed((entry("Wafer_TRAIN.ts"), b"0" * (64 << 20))), "67,108,864")
archive("archive_of_very_many_files", packed(*((entry(f"{i}.txt"), b"") for i in range(200))), "200 members")
archive("archive_is_encrypted", bytes(ENCRYPTED), "encrypted")
archive("archive_of_something_else", packed((entry("Coffee_TRAIN.ts"), b"@data\n")), "Wafer")
NOBODY = "http://127.0.0.1:9"
add("mirror_that_nobody_answers", PARAMS, FETCH, NOBODY, "cannot be reached", spoil=dataset("mitbih"), mirror=NOBODY)
add(
    "mirror_is_not_there",
    PARAMS,
    FETCH,
    "ECGAN_MIRROR",
    "'mirror'",
    spoil=both(dataset("mitbih"), written("mirror", "")),
)
add(
    "mirror_lacks_a_file",
    PARAMS,
    FETCH,
    "mirror",
    "ECGAN_MIRROR",
    spoil=both(dataset("mitbih"), written(f"{MITDB}/x", "")),
)
add("source_is_not_there", PARAMS, FETCH, "fetch.source", "absent", spoil=dataset("wafer", fetch={"source": "absent"}))
add(
    "source_holds_nothing",
    PARAMS,
    FETCH,
    "Wafer_TRAIN",
    "fetch.source",
    spoil=both(dataset("wafer", fetch={"source": "empty"}), written("empty/x", "")),
)


def mirror_with_one_file_changed(project: Path) -> None:
    """A mirror that holds every file, the last of them changed; the made-up list is as the published one."""
    from ecgan.datasets.fetching import load_registry

    dataset("mitbih")(project)
    for name in load_registry("mitdb-1.0.0"):
        written(f"{MITDB}/{name}", f"not {name}")(project)


add("mirror_with_other_files", PARAMS, FETCH, "SHA-256", "mirror", spoil=mirror_with_one_file_changed)

PTBXL = """ecg_id,patient_id,scp_codes,strat_fold,filename_lr
1,1,"__import__('os').abort()",1,records100/00000/00001_lr
"""


def raw(
    name: str, kind: str, file: str, content: str | bytes | None, *words: str, to: str = "", **sections: Any
) -> None:
    """Raw files of a dataset of which one is changed: its content, or the first line's start."""

    def spoil(project: Path) -> None:
        import shutil

        dataset(kind, **sections)(project)
        folder = project / "data" / kind / "raw"
        shutil.copytree(made_up(to or kind), folder)
        found = next(folder.rglob(file))
        if content is None:
            found.unlink()
        else:
            found.write_bytes(content.encode() if isinstance(content, str) else content)

    add(name, PARAMS, PREPROCESS, *words, spoil=spoil)


ROW = ",".join(["0.5"] * 187)
TRAIN = "mitbih_train.csv"
KAGGLE = {"to": "mitbih_beats_csv"}
raw(
    "kaggle_with_words",
    "mitbih_beats",
    TRAIN,
    f"{ROW},0\n{ROW},N\n",
    TRAIN,
    "'N'",
    **KAGGLE,
)
raw("kaggle_of_other_width", "mitbih_beats", TRAIN, "0.5,0.5,0\n", TRAIN, "3 columns", **KAGGLE)
raw("kaggle_with_an_unknown_class", "mitbih_beats", TRAIN, f"{ROW},9\n", TRAIN, "9", **KAGGLE)
raw("kaggle_is_empty", "mitbih_beats", TRAIN, "", TRAIN, **KAGGLE)
raw("kaggle_is_not_text", "mitbih_beats", TRAIN, b"\xff\xfe\0", TRAIN, **KAGGLE)
raw("kaggle_lacks_a_file", "mitbih_beats", "mitbih_test.csv", None, "mitbih_test.csv", **KAGGLE)
raw("wafer_with_words", "wafer", "Wafer_TEST.tsv", "1\t0.5\tmuch\n", "Wafer_TEST.tsv", "'much'")
raw("wafer_is_empty", "wafer", "Wafer_TEST.tsv", "", "Wafer_TEST.tsv")
raw("wafer_lacks_a_file", "wafer", "Wafer_TRAIN.arff", None, "TRAIN")
ONE = "MUSE_2018_00000.csv"
raw("shaoxing_with_words", "shaoxing", ONE, "1,2,x\n", ONE, "'x'")
raw("shaoxing_is_not_text", "shaoxing", ONE, b"\xff\xfe\0", ONE, "UTF-8")
raw("shaoxing_table_is_damaged", "shaoxing", "Diagnostics.xlsx", b"PK\3\4 nothing", "Diagnostics.xlsx")
raw("ptb_record_is_cut_off", "ptb", "*.dat", b"\0" * 100, ".dat", "cut off")
raw("ptb_without_a_diagnosis", "ptb", "*.hea", "s 1 1000 10\n", ".hea")
raw("physionet_without_a_note", "physionet", "database.json", None, "database.json", "ecgan fetch")
raw("physionet_note_of_something_else", "physionet", "database.json", '{"name": 3}', "database.json", "name")
raw("ptbxl_table_with_code", "ptbxl", "ptbxl_database.csv", PTBXL, "line 2", "__import__")
raw("ptbxl_record_is_cut_off", "ptbxl", "*.dat", b"\0" * 100, ".dat", "cut off")
raw("mocap_lacks_a_joint", "cmu_mocap", "35_01.amc", ":DEGREES\n1\nlfemur 1\n", "35_01.amc", "lhumerus")
raw("mocap_is_not_text", "cmu_mocap", "35_01.amc", b"\xff\xfe\0", "35_01.amc", "UTF-8")


def own(name: str, spoil: Spoil, *words: str, command: str = FETCH, fetch: str = "mine", **preprocess: Any) -> None:
    """A folder or table of one's own."""
    sections: dict[str, Any] = {"fetch": {"path": fetch}}
    if preprocess:
        sections["preprocess"] = preprocess
    add(name, PARAMS, command, *words, spoil=both(dataset("folder", **sections), spoil))


own("own_folder_is_not_there", lambda project: None, "mine")
own("own_folder_is_empty", lambda project: (project / "mine").mkdir(), "mine")


def listed(*spoils: Spoil) -> Spoil:
    """Files of one's own that were fetched, which lists them."""

    def spoil(project: Path) -> None:
        both(*spoils)(project)
        assert run(("ecgan", "fetch")) == 0

    return spoil


def taken(name: str, spoil: Spoil, *words: str, fetch: str = "mine", **preprocess: Any) -> None:
    """Files of one's own that cannot be made into samples."""
    sections: dict[str, Any] = {"fetch": {"path": fetch}, "preprocess": preprocess}
    add(name, PARAMS, PREPROCESS, *words, spoil=listed(dataset("folder", **sections), spoil))


TABLE = {"fetch": "mine.csv", "cut": "none"}
taken("own_folder_of_letters", written("mine/letter.doc", "Dear"), "mine")
taken("own_file_of_an_unknown_kind", written("mine.mat", "x"), "mine.mat", fetch="mine.mat")
taken("own_table_with_words", written("mine.csv", "1,2,3,4\n1,2,x,4\n"), "mine.csv", "'x'", **TABLE)
taken("own_table_of_uneven_rows", written("mine.csv", "1,2,3,4\n1,2,3,4,5,6\n"), "mine.csv", **TABLE)
taken("own_table_is_empty", written("mine.csv", ""), "mine.csv", **TABLE)
taken("own_recordings_as_ready_samples", written("mine/a.csv", "time,I\n0,1\n1,2\n"), "preprocess.cut", cut="none")
taken("own_recording_is_too_short", written("mine/a.csv", "time,MLII\n0,1\n0.01,2\n0.02,3\n"), "a", cut="windows")
