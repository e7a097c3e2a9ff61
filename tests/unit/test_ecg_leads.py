"""Lead names: what counts as the same lead, and what does not."""

import numpy as np
import pytest

from ecgan.ecg.leads import canonical_lead, derive_leads, match_leads, standard_lead
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


@pytest.mark.parametrize("have", ["MDC_ECG_LEAD_II", "mdc_ecg_lead_ii", "ECG Lead II", "II ", "Lead_II", "EKG-II"])
def test_names_of_standards_match(have: str) -> None:
    assert match_leads(["V1", have], ["II"]) == [1]


@pytest.mark.parametrize(
    ("spelt", "lead"),
    [("DII", "II"), ("D2", "II"), ("Lead 2", "II"), ("L1", "I"), ("Ableitung III", "III"), ("C1", "V1"), ("c6", "V6"),
     ("VR", "aVR"), ("AVF", "aVF"), ("MDC_ECG_LEAD_V3R", "V3R"), ("II", "II")],
)  # fmt: skip
def test_other_spellings_of_the_standard_leads(spelt: str, lead: str) -> None:
    assert standard_lead(spelt) == standard_lead(lead) == canonical_lead(lead)


@pytest.mark.parametrize("name", ["MLII", "ECG 1", "1", "2", "ECG", "CM5", "V10", "I-II", "MDC_ECG_LEAD_MLII"])
def test_what_is_no_standard_lead_is_taken_for_none(name: str) -> None:
    assert standard_lead(name) == canonical_lead(name)
    assert standard_lead(name) not in {canonical_lead(lead) for lead in ("I", "II", "III", "V1", "aVR")}


def test_limb_leads_follow_from_two() -> None:
    ra, la, ll = np.array([[0.1, -0.2, 0.5], [0.4, 0.3, -0.1], [1.0, np.nan, 0.2]]).T  # potentials of the electrodes
    signals = np.column_stack([la - ra, ra * 7, ll - ra])
    found, added = derive_leads(signals, ["Lead I", "V1", "MDC_ECG_LEAD_II"], ["III", "V1", "aVR", "AVL", "aVF"])
    assert added == ["III", "aVR", "AVL", "aVF"]
    by_definition = [ll - la, ra - (la + ll) / 2, la - (ra + ll) / 2, ll - (ra + la) / 2]
    np.testing.assert_allclose(found[:, 3:], np.column_stack(by_definition), atol=1e-15)
    np.testing.assert_array_equal(found[:, :3], signals)


@pytest.mark.parametrize(
    ("have", "want"),
    [(["I", "II", "III"], ["III"]), (["I", "V1"], ["III"]), (["I", "MLII"], ["III"]), (["I", "II"], ["V1", "MLII"]),
     (["I", "II", "Lead II"], ["III"])],
)  # fmt: skip
def test_nothing_else_is_derived(have: list[str], want: list[str]) -> None:
    signals = np.arange(3.0 * len(have)).reshape(3, -1)
    found, added = derive_leads(signals, have, want)
    assert added == []
    np.testing.assert_array_equal(found, signals)
