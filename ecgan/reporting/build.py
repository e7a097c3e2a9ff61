"""All files of a report."""

from ecgan.reporting.content import compose
from ecgan.reporting.inputs import ReportInputs
from ecgan.reporting.markdown import summary
from ecgan.reporting.page import html_page
from ecgan.reporting.tables import csv_text


def build(inputs: ReportInputs) -> dict[str, str]:
    """Everything that the stage `report` writes; the same inputs give the same bytes.

    Returns:
        Text by path relative to the report's folder: `summary.md`, `index.html`, `results.csv`, `per_class.csv`,
        `folds.csv`, `figures/*.svg` and `figures/beats/*.svg`.

    Raises:
        EcganError: Results that do not belong into one table.
    """
    content = compose(inputs)
    files = {"summary.md": summary(content), "index.html": html_page(content)}
    files |= {name: csv_text(frame) for name, frame in content.frames.items()}
    files |= {plot.path: plot.svg for plot in content.plots}
    files |= {beat.path: beat.svg for group in content.beats for beat in group.beats}
    return files
