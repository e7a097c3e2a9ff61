"""Lead names: what counts as the same lead, and what does not."""

import pytest

from ecgan.ecg.leads import match_leads
from ecgan.errors import EcganError


@pytest.mark.parametrize(
    ("have", "want"),
    [
        ("ECG II", "II"),
        ("Lead II", "ii"),
        ("EKG V1", "V1"),
        ("avr", "aVR"),
        ("II", "ECG II"),
        ("V 1", "v1"),
        ("ECG", "ecg"),
    ],
)
def test_spellings_of_one_lead_match(have: str, want: str) -> None:
    assert match_leads(["other", have], [want]) == [1]


@pytest.mark.parametrize(("have", "want"), [("MLII", "II"), ("II", "MLII"), ("I", "II"), ("V1", "V10"), ("ECG", "1")])
def test_other_leads_do_not(have: str, want: str) -> None:
    with pytest.raises(EcganError, match=f"no lead '{want}'") as caught:
        match_leads([have], [want])
    assert have in caught.value.hint


def test_leads_come_in_the_order_of_the_names_and_the_exact_name_wins() -> None:
    assert match_leads(["ECG I", "I", "V1"], ["V1", "I", "ECG I"]) == [2, 1, 0]
    with pytest.raises(EcganError, match="'ECG I', 'Lead I'"):
        match_leads(["ECG I", "Lead I"], ["I"])


def test_a_lead_of_any_name_is_the_first_of_the_others() -> None:
    assert match_leads(["V5", "MLII", "V1"], ["MLII", "*"]) == [1, 0]
    assert match_leads(["V5", "MLII", "V1"], ["*", "MLII", "*"]) == [0, 1, 2]
    with pytest.raises(EcganError, match="2 leads are wanted, and there are 1"):
        match_leads(["MLII"], ["MLII", "*"])
