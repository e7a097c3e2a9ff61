"""What scores where no model is named."""

from ecgan.scoring.usual import usual_leads


def test_leads_that_show_rhythm_and_shape_come_first() -> None:
    twelve = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]
    assert usual_leads(twelve) == ["II", "V1"]
    assert usual_leads(["V5", "MLII"]) == ["MLII", "V5"]
    assert usual_leads(["ch1", "ch2", "ch3"]) == ["ch1", "ch2"]
    assert usual_leads(["ch1", "Lead II", "V5"]) == ["Lead II", "V5"]
    assert usual_leads(["III"]) == ["III"]
