"""The tables of docs/paper.md, README and the model cards, from the row files: `docs/tables.py` sets them.

Every figure is read from `rows/`, but for those of other papers, which stand below and are named for what they are.
"""

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from statistics import mean, stdev
from typing import Any

import unit

Row = dict[str, Any]
Grid = tuple[tuple[str, ...], list[tuple[str, ...]]]

TITLES = {
    "patient_specific": "`patient_specific`, the record's own usual beats",
    "patient_specific-mlii": "`patient_specific`, one lead",
    "patient_specific-causal": "`patient_specific`, causal: past beats only",
    "record-known": "nearest known normal beats of the same record, and rhythm (inductive)",
    "record-share": "the same, and how many neighbours are known (transductive)",
    "nearest-shape": "nearest normal beat by smoothed shape and size",
    "knn-1": "`knn`, one neighbour",
    "knn-rhythm": "nearest normal beats of all records, and rhythm",
    "supervised": "gradient boosting of 32 components (reference with labels)",
    "aegan": "`aegan`, BeatGAN's architecture at a quarter of the width",
    "aegan-two-leads": "`aegan`, both leads",
    "beatgan-50": "preset `beatgan-50`",
    "beatgan-50-long": "preset `beatgan-50`, longer",
    "beta-vaegan-2-long": "preset `beta-vaegan-2`, longer",
    "preset-vae": "preset `vae`",
    **{name: f"preset `{name}`" for name in ("beatgan-6", "beatgan-plus", "beta-vaegan-1", "beta-vaegan-2", "ae")},
}
UNLABELLED = ("plain", "reconstruction", "smoothed")
"""Strategies of the tables that show one without and one with labels; the row files have the others."""
SHOWN = (*UNLABELLED, "boosting", "svm_lambda")

RECALLED = (  # Zhou et al., IJCAI 2019, as recalled; not checked against the paper
    ("PCA", ".8164 ± .0037", ".6522 ± .0061"),
    ("OC-SVM", ".7917 ± .0018", ".7588 ± .0027"),
    ("AE", ".8944 ± .0128", ".8415 ± .0163"),
    ("VAE", ".8316 ± .0025", ".7882 ± .0024"),
    ("AnoGAN", ".8642 ± .0100", ".8035 ± .0069"),
    ("GANomaly", ".9083 ± .0122", ".8701 ± .0141"),
    ("BeatGAN", ".9447 ± .0053", ".9108 ± .0049"),
    ("BeatGAN with augmentation", ".9475 ± .0037", ".9143 ± .0047"),
)
Published = dict[tuple[str, str], tuple[str, str, str, str]]
GRID, SVM, SVM_GAMMA = "lambda_grid", "svm_lambda", "svm_lambda_gamma"
DIGITISED: Published = {  # Lüer et al.: weighted F1, MCC, AUROC, AP on validation, read off the authors' charts, ± .002
    ("beatgan-50", GRID): (".850", "about .69", ".841", ""),
    ("beatgan-50", SVM): (".855", ".697", ".841", ".747"),
    ("beatgan-50", SVM_GAMMA): (".878", ".745", ".864", ".787"),
    ("beatgan-6", GRID): (".883", "about .75", ".879", ""),
    ("beatgan-6", SVM): (".884", ".757", ".876", ".790"),
    ("beatgan-6", SVM_GAMMA): (".891", ".772", ".880", ".805"),
    ("beatgan-plus", GRID): (".902", "", ".895", ""),
    ("beatgan-plus", SVM): (".910", ".812", ".900", ".839"),
    ("beatgan-plus", SVM_GAMMA): (".911", ".816", ".901", ".843"),
    ("beta-vaegan-1", GRID): (".904", "", ".901", ""),
    ("beta-vaegan-1", SVM): (".915", ".822", ".907", ".844"),
    ("beta-vaegan-1", SVM_GAMMA): (".912", ".817", ".901", ".844"),
    ("beta-vaegan-2", GRID): (".907", "", ".904", ""),
    ("beta-vaegan-2", SVM): (".919", ".829", ".912", ".849"),
    ("beta-vaegan-2", SVM_GAMMA): (".918", ".828", ".908", ".853"),
    ("ae", GRID): (".900", "", ".897", ""),
    ("preset-vae", GRID): (".881", "", ".875", ""),
}
WAFER: Published = {
    ("beatgan-50", GRID): (".896 ± .042", "", "", ""),
    ("beatgan-50", SVM): (".903 ± .037", ".759", ".882", ""),
    ("beatgan-50", SVM_GAMMA): (".920 ± .031", ".799", ".899", ""),
    ("beatgan-plus", GRID): (".961 ± .006", "", "", ""),
    ("beatgan-plus", SVM): (".968 ± .011", ".919", ".960", ""),
    ("beatgan-plus", SVM_GAMMA): (".976 ± .013", ".940", ".971", ""),
    ("beta-vaegan-1", GRID): (".970 ± .015", "", "", ""),
    ("beta-vaegan-1", SVM): (".978 ± .009", ".943", ".975", ""),
    ("beta-vaegan-1", SVM_GAMMA): (".976 ± .013", ".939", ".971", ""),
    ("beta-vaegan-2", GRID): (".963 ± .017", "", "", ""),
    ("beta-vaegan-2", SVM): (".968 ± .011", ".919", ".962", ""),
    ("beta-vaegan-2", SVM_GAMMA): (".977 ± .012", ".942", ".973", ""),
    ("preset-vae", GRID): (".944 ± .015", "", "", ""),
}


@cache
def rows() -> list[Row]:
    """All row files."""
    found = sorted((unit.HERE / "rows").rglob("*.json"))
    return [{**json.loads(file.read_text(encoding="utf-8")), "folder": file.parent} for file in found]


def grouped(tables: Sequence[str], strategies: Iterable[str] | None = None) -> list[list[Row]]:
    """Rows of tables that differ in fold or seed alone, the best AUROC first and those without labels above all."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows():
        if row["table"] in tables and (strategies is None or row["strategy"] in strategies):
            groups.setdefault((row["row"], row["strategy"]), []).append(row)
    return sorted(groups.values(), key=lambda group: (group[0]["supervision"] == "S", -mean(_test(group, "auroc"))))


def missing(tables: Sequence[str]) -> list[str]:
    """Rows that `params.yaml` asks for and of which no fold has been computed."""
    there = {row["row"] for row in rows() if row["table"] in tables}
    asked = unit.asked()[2]
    return [name for table in tables for name in asked[table]["units"] if name not in there]


def beatgan(_: str = "") -> Grid:
    """BeatGAN's protocol, with what the paper is recalled to say below."""
    head = ("what", "score", "labels", "context", "leads", "AUROC", "AP", "F1 weighted", "MCC", *_COST)
    tables = ("beatgan", "beatgan_long")
    found: list[tuple[str, ...]] = []
    for group in grouped(tables, SHOWN):
        figures = [_mean(_test(group, key)) for key in ("auroc", "ap", "f1_weighted", "mcc")]
        found.append((*_names(group), group[0]["context"], str(len(group[0]["leads"])), *figures, *_cost(group)))
    found += [_empty(name, len(head)) for name in missing(tables)]
    return head, found


def recalled(_: str = "") -> Grid:
    """What the BeatGAN paper is recalled to say."""
    return ("method (recalled, not checked)", "AUROC", "AP"), [tuple(line) for line in RECALLED]


def vaegan(_: str = "") -> Grid:
    """β-VAEGAN's protocol, test beside the validation figures that were published."""
    return _beside(("vaegan", "vaegan_long"), DIGITISED)


def wafer(_: str = "") -> Grid:
    """The same for Wafer."""
    return _beside(("wafer",), WAFER)


def _beside(tables: Sequence[str], published: Published) -> Grid:
    keys = ("f1_weighted", "mcc", "auroc", "ap")
    ours, theirs = ("F1 weighted", "MCC", "AUROC", "AP"), ("published: F1", "MCC", "AUROC", "AP")
    head = ("what", "score", "labels", *ours, *theirs, *_COST)
    found: list[tuple[str, ...]] = []
    for group in grouped(tables):
        known = published.get((group[0]["row"].removesuffix("-long"), group[0]["strategy"]), ("",) * 4)
        figures = tuple(_mean(_test(group, key)) for key in keys)
        found.append((*_names(group), *figures, *known, *_cost(group)))
    found += [_empty(name, len(head)) for name in missing(tables)]
    return head, found


def interpatient(part: str = "") -> Grid:
    """DS1 → DS2; `short` leaves out what README has no room for."""
    tables = ("interpatient", "interpatient_trained")
    ranked, decided = ("AUROC", "95 %", "AP", "95 %"), ("S", "V", "F", "PPV", "false alarms/h", "seeds")
    head = ("what", "score", "labels", "context", *ranked, *decided, *(() if part == "short" else _COST[1:]))
    shown = grouped(tables, SHOWN)
    if part == "short":
        shown = [group for group in shown if group is _best(shown, group)]
    found: list[tuple[str, ...]] = []
    for group in shown:
        cells = [*_names(group), group[0]["context"]]
        for key in ("auroc", "ap"):
            cells += [_mean(_test(group, key)), _interval(group, key)]
        cells += [_mean([row["test"]["per_class"][kind]["sensitivity"] for row in group]) for kind in "SVF"]
        cells += [_mean(_test(group, "ppv")), f"{mean(_test(group, 'false_alarms_per_hour')):.0f}", str(len(group))]
        found.append((*cells, *(() if part == "short" else _cost(group)[1:])))
    if part != "short":
        found += [_empty(name, len(head)) for name in missing(tables)]
    return head, found


def _best(groups: list[list[Row]], one: list[Row]) -> list[Row]:
    """Of what is named alike and has the same labels, the best by AUROC on validation."""
    alike = [g for g in groups if all(g[0][key] == one[0][key] for key in ("row", "supervision"))]
    return max(alike, key=lambda group: mean(row["validation"]["auroc"] for row in group))


def operating(part: str) -> Grid:
    """Operating points of each test record: of a row by its name, strategy `plain`, first seed."""
    folder = next(row["folder"] for row in rows() if row["table"] == "interpatient" and row["row"] == part)
    head = ("record", "hours", "normal beats", "false alarms/h", "S", "V", "F", "AUROC")
    with (folder / "records.csv").open(encoding="utf-8", newline="") as file:
        lines = [line for line in csv.DictReader(file) if line["strategy"] == "plain"]
    found: list[tuple[str, ...]] = []
    for line in lines:
        flagged = (f"{line[f'{kind}_flagged']} of {line[kind]}" if line[kind] != "0" else "" for kind in "SVF")
        alarms = f"{float(line['false_alarms_per_hour']):.0f}"
        auroc = _short(float(line["auroc"])) if line["auroc"] else ""
        found.append((line["record"], f"{float(line['hours']):.2f}", line["normal"], alarms, *flagged, auroc))
    return head, found


def elsewhere(_: str = "") -> Grid:
    """Other databases: what was found there, or that it was not looked at."""
    head = ("database", "left out", "command", "AUROC", "AP", "false alarms/h")
    found: list[tuple[str, ...]] = []
    _, sets, tables = unit.asked()
    for name in (name for name, table in tables.items() if table.get("optional")):
        left_out = sets[tables[name]["data"]].get("without", [])
        cells = (f"`{name}`", f"{len(left_out)} records of mitdb" if left_out else "", f"`make paper ROWS='{name}@*'`")
        there = [row for row in rows() if row["table"] == name]
        if there:
            figures = tuple(_short(there[0]["test"][key]) for key in ("auroc", "ap"))
            found.append((*cells, *figures, f"{there[0]['test']['false_alarms_per_hour']:.0f}"))
        else:
            found.append((*cells, "not run: data not here", "", ""))
    return head, found


def progress(_: str = "") -> Grid:
    """How many rows of each table have been computed."""
    found: list[tuple[str, ...]] = []
    for name, asked in unit.asked()[2].items():
        wanted = len(asked["folds"]) * len(asked["seeds"]) * len(asked["units"])
        there = {row["folder"]: sum(row["cpu_seconds"].values()) for row in rows() if row["table"] == name}
        found.append((f"`{name}`", asked["data"], f"{len(there)} of {wanted}", f"{sum(there.values()) / 3600:.1f}"))
    return ("table", "data", "rows", "CPU hours"), found


def looks(_: str = "") -> Grid:
    """How often DS2 was looked at."""
    with unit.LOOKS.open(encoding="utf-8", newline="") as file:
        names = [line["configuration"] for line in csv.DictReader(file)]
    here = [name for name in names if name.startswith("paper ")]
    found = [
        ("while constants of `patient_specific` were chosen, or of what is published", str(len(names) - len(here))),
        ("for this page: a row, a score and a seed each", str(len(here))),
    ]
    return ("looks", "how many"), found


PARTS: dict[str, Callable[[str], Grid]] = {
    "beatgan": beatgan,
    "recalled": recalled,
    "vaegan": vaegan,
    "wafer": wafer,
    "interpatient": interpatient,
    "operating": operating,
    "elsewhere": elsewhere,
    "looks": looks,
    "progress": progress,
}


def table(part: str) -> Grid:
    """Head and rows of a table by its name."""
    name, _, rest = part.partition(" ")
    return PARTS[name](rest)


_COST = ("folds", "epochs", "CPU s", "budget, min")


def _names(group: list[Row]) -> tuple[str, str, str]:
    row = group[0]
    title = TITLES.get(row["row"], f"`{row['row']}`")
    return title, "" if row["strategy"] in ("plain", "boosting") else f"`{row['strategy']}`", row["supervision"]


def _cost(group: list[Row]) -> tuple[str, str, str, str]:
    seconds = mean(sum(row["cpu_seconds"].values()) for row in group)
    epochs, budget = (group[0][key] for key in ("epochs", "budget_minutes"))
    return str(len(group)), str(epochs or ""), f"{seconds:.0f}", str(budget or "")


def _empty(name: str, width: int) -> tuple[str, ...]:
    return (TITLES.get(name, f"`{name}`"), "not computed yet", *("",) * (width - 2))


def _test(group: list[Row], key: str) -> list[float]:
    return [row["test"][key] for row in group]


def _mean(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return ""
    spread = f" ± {_short(stdev(known))}" if len(known) > 1 else ""
    return _short(mean(known)) + spread


def _interval(group: list[Row], key: str) -> str:
    """From the lowest to the highest end of the rows' intervals."""
    return f"{_short(min(_test(group, f'{key}_low')))} to {_short(max(_test(group, f'{key}_high')))}"


def _short(value: float) -> str:
    return f"{value:.3f}".replace("0.", ".", 1)
