"""The tables of docs/own-normal.md, out of the rows in this folder and in `paper/looks.csv`.

A form is a version of the detector `patient_specific`. Rows name it by the word before the first comma of their
configuration, those of simulated rhythms by the revision that was imported.
"""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent
LOOKS = HERE.parent / "looks.csv"
FORMS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
NOW, BOTH = FORMS[-1], "MLII and other"
REVISIONS = {
    "db06a3e": "fifth",
    "dbb82d1": "sixth",
    "5f77336": "seventh",
    "da1a973": "eighth",
    "6cf988d": "ninth",
    "3e36e62": "tenth",
}
CLASSES = ("s", "v", "f")

Head = tuple[str, ...]
Rows = list[tuple[str, ...]]


def table(part: str) -> tuple[Head, Rows]:
    """Return head and rows of one table."""
    return TABLES[part]()


def looks() -> pd.DataFrame:
    """All looks at DS2 but those for the rows of the paper; `form` and `what` of a configuration in two columns."""
    found = pd.read_csv(LOOKS)
    found = found[~found["configuration"].str.startswith("paper ")].copy()
    first = found["configuration"].isin(["patient_specific, defaults", "patient_specific, detected peaks"])
    found.loc[first, "configuration"] = found["configuration"].str.replace("patient_specific", FORMS[0])
    return _divided(found)


def _divided(rows: pd.DataFrame) -> pd.DataFrame:
    named = rows["configuration"].str.partition(", ")
    known = named[0].isin(FORMS)
    return rows.assign(form=named[0].where(known, ""), what=named[2].where(known, rows["configuration"]))


def _by_form(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["form"] != ""].set_index(["form", "what", "leads"])


def ds1() -> tuple[Head, Rows]:
    """The detector as it is on DS1, and what becomes of it without each idea."""
    rows = _divided(pd.read_csv(HERE / "ds1.csv"))
    chosen = rows[rows["form"] == NOW]
    head = ("configuration", "leads", "AUROC", "AP", "S", "V", "F")
    return head, [(row.what, row.leads, *_shares(row, "auroc", "ap", *CLASSES)) for row in chosen.itertuples()]


def now() -> tuple[Head, Rows]:
    """The detector as it is on DS2: ranking, and the operating point that DS1 gave."""
    ranked = _by_form(looks())
    points = _divided(pd.read_csv(HERE / "operating.csv"))
    points = points[(points["records"] == "ds2") & (points["form"] == NOW) & (points["record"] == "all")]
    head = ("configuration", "leads", "AUROC", "AP", "threshold", "false alarms/h", "S", "V", "F")
    rows = []
    for row in points.itertuples():
        look = ranked.loc[(row.form, row.what, row.leads)]
        found = (f"{row.alarms_per_hour:.0f}", *(_share(_flagged(row, name)) for name in CLASSES))
        rows.append((row.what, row.leads, *_shares(look, "auroc", "ap"), f"{row.threshold:.3f}", *found))
    return head, rows


def records() -> tuple[Head, Rows]:
    """The operating point of the defaults, record by record."""
    rows = _divided(pd.read_csv(HERE / "operating.csv"))
    chosen = (rows["records"] == "ds2") & (rows["form"] == NOW) & (rows["what"] == "defaults") & (rows["leads"] == BOTH)
    head = ("record", "AUROC", "false alarms/h", "S", "V", "F")
    return head, [
        (row.record, _share(row.auroc), f"{row.alarms_per_hour:.0f}", *(_counts(row, name) for name in CLASSES))
        for row in rows[chosen].itertuples()
    ]


def forms() -> tuple[Head, Rows]:
    """What each form reached on DS2: AUROC and average precision, and the AUROC of each class of its defaults."""
    rows = _by_form(looks())
    head = ("form", "two leads", "S", "V", "F", "causal", "MLII alone", "detected R peaks")
    found = []
    for form in FORMS:
        kinds = [(form, "causal", BOTH), (form, "defaults", "MLII"), (form, "detected peaks", BOTH)]
        usual = rows.loc[(form, "defaults", BOTH)]
        others = [_both(rows.loc[kind]) if kind in rows.index else "" for kind in kinds]
        found.append((form, _both(usual), *_shares(usual, *CLASSES), *others))
    return head, found


def counted() -> tuple[Head, Rows]:
    """How often DS2 was looked at, and for what."""
    rows = looks()
    published = rows["what"].str.startswith("published ")
    kinds = {
        "forms of `patient_specific`, a configuration each": rows["form"] != "",
        "noise, gain, polarity, rate and lead, with the sixth and the tenth form": (rows["form"] == "") & ~published,
        "published models, a score each": published,
    }
    total = len(pd.read_csv(LOOKS))
    found = [(name, str(chosen.sum())) for name, chosen in kinds.items()]
    found += [("rows of [the paper's tables](paper.md)", str(total - len(rows))), ("together", str(total))]
    return ("what for", "looks"), found


def thresholds() -> tuple[Head, Rows]:
    """Rules behind the threshold, on DS1."""
    head = ("rule", "threshold", "false alarms/h", "worst patient", "patients above 150", "S", "V", "F")
    found = []
    for row in pd.read_csv(HERE / "thresholds.csv").itertuples():
        flagged = _shares(row, *(f"{name}_flagged" for name in CLASSES))
        alarms = (f"{row.alarms_per_hour:.0f}", str(row.worst), str(row.above_150))
        found.append((row.rule, f"{row.threshold:.3f}", *alarms, *flagged))
    return head, found


def simulated(column: str) -> tuple[Head, Rows]:
    """A figure of each simulated rhythm under each form, and of the form as it is all figures."""
    rows = pd.read_csv(HERE / "simulated.csv", dtype={"options": "str"}, keep_default_na=False, na_values={column: ""})
    rows["form"] = rows["commit"].map(REVISIONS)
    order = rows.loc[rows["form"] == NOW, "rhythm"]
    shown = rows.pivot(index="rhythm", columns="form", values=column).loc[order, list(REVISIONS.values())]
    digits = 3 if column == "s" else 0
    return ("rhythm", *shown.columns), [
        (str(name), *(_share(value, digits) for value in values)) for name, values in shown.iterrows()
    ]


def rhythms() -> tuple[Head, Rows]:
    """Each simulated rhythm under the detector as it is."""
    rows = pd.read_csv(HERE / "simulated.csv")
    head = ("rhythm", "threshold", "false alarms/h", "worst record", "S", "V", "F", "AUROC")
    found = []
    for row in rows[rows["commit"].map(REVISIONS) == NOW].itertuples():
        alarms = (f"{row.threshold:.3f}", str(row.alarms_per_hour), str(row.worst))
        found.append((row.rhythm, *alarms, *_shares(row, *CLASSES, digits=3), _share(row.auroc)))
    return head, found


def noise() -> tuple[Head, Rows]:
    """AUROC, average precision and false alarms an hour in noise, with another gain, polarity, rate and lead."""
    rows = pd.read_csv(HERE / "noise.csv")
    series = {
        "DS1, two leads": ("ds1", "patient_specific", BOTH),
        "DS2, two leads": ("ds2", "patient_specific", BOTH),
        "DS1, MLII": ("ds1", "patient_specific", "MLII"),
        "DS2, MLII": ("ds2", "patient_specific", "MLII"),
        "`knn`, DS1, MLII": ("ds1", "knn", "MLII"),
    }
    cells = {
        (row.records, row.detector, row.leads, row.condition): f"{_both(row)}, {row.alarms_per_hour:.0f}"
        for row in rows.itertuples()
    }
    conditions = rows["condition"].drop_duplicates()
    return ("condition", *series), [
        (condition, *(cells.get((*key, condition), "") for key in series.values())) for condition in conditions
    ]


def residual() -> tuple[Head, Rows]:
    """What the component `residual` is worth on DS1."""
    rows = pd.read_csv(HERE / "residual.csv", keep_default_na=False)
    head = ("condition", "residual", "AUROC", "AP", "S", "V", "F")
    return head, [(row.condition, row.residual, *_shares(row, "auroc", "ap", *CLASSES)) for row in rows.itertuples()]


def _share(value: float, digits: int = 4) -> str:
    """A share, and nothing where none is known."""
    return "" if pd.isna(value) else f"{value:.{digits}f}".removeprefix("0")


def _shares(row: object, *names: str, digits: int = 4) -> tuple[str, ...]:
    return tuple(_share(getattr(row, name), digits) for name in names)


def _both(row: object) -> str:
    return " / ".join(_shares(row, "auroc", "ap"))


def _flagged(row: object, name: str) -> float:
    return float(getattr(row, f"{name}_flagged") / getattr(row, name))


def _counts(row: object, name: str) -> str:
    beats = getattr(row, name)
    return f"{getattr(row, f'{name}_flagged')} of {beats}" if beats else ""


TABLES: dict[str, Callable[[], tuple[Head, Rows]]] = {
    "ds1": ds1,
    "now": now,
    "records": records,
    "forms": forms,
    "counted": counted,
    "thresholds": thresholds,
    "rhythms": rhythms,
    "alarms": lambda: simulated("alarms_per_hour"),
    "found": lambda: simulated("s"),
    "noise": noise,
    "residual": residual,
}
