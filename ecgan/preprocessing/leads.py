"""Leads by name."""

import numpy as np

from ecgan.arrays import F32
from ecgan.errors import EcganError


def select_leads(data: F32, have: list[str], want: list[str] | None) -> tuple[F32, list[str]]:
    """Pick channels of data (n, L, C) by lead name.

    Args:
        data: Samples.
        have: Name of each channel.
        want: The leads to keep, in that order; None keeps all.

    Raises:
        EcganError: A lead is not there.
    """
    if want is None or want == have:
        return data, have
    missing = [lead for lead in want if lead not in have]
    if missing:
        raise EcganError(
            f"the data have no lead {', '.join(missing)}; they have {', '.join(have)}.", "Mend train.leads."
        )
    return np.ascontiguousarray(data[:, :, [have.index(lead) for lead in want]]), want
