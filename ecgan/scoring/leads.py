"""Which of a recording's leads a model sees."""

from collections.abc import Mapping, Sequence

from ecgan.ecg.leads import match_leads
from ecgan.errors import EcganError
from ecgan.terminal import quoted


def choose_leads(
    have: Sequence[str],
    expected: Sequence[str],
    given: Sequence[str] | None,
    left_out: Mapping[str, str] | None = None,
) -> list[int]:
    """Find the channel of each lead that a model expects, in its order.

    `given` are the recording's leads that stand for them, in the same order; None: those of the same names.
    `left_out` says why a lead of the recording is not among `have`, by its name.

    Raises:
        EcganError: A lead is not there, or not as many were given as the model has.
    """
    hint = f"Say which of the recording's leads stand for the model's, in order: --leads{_example(have, expected)}"
    if given is not None and (len(given) != len(expected) or len(set(given)) < len(given)):
        raise EcganError(
            f"--leads {','.join(given)} does not name one lead of the recording for each of the model's"
            f" {len(expected)}: {', '.join(expected)}.",
            hint,
        )
    try:
        return match_leads(have, expected if given is None else given, left_out)
    except EcganError as error:
        raise EcganError(
            f"{error.message} The model sees {', '.join(expected)}; the recording has {', '.join(have)}.", hint
        ) from None


def _example(have: Sequence[str], expected: Sequence[str]) -> str:
    """As many of the recording's leads as the model has, those of the same name where there are any."""
    others = [lead for lead in have if lead not in expected]
    example = ",".join(lead if lead in have else (others.pop(0) if others else "LEAD") for lead in expected)
    return f"{'=' if example.startswith('-') else ' '}{quoted(example)}"  # labels of EDF files hold blanks, or worse
