"""Ratios of sampling rates: exact where they can be, of small numbers, or none."""

from fractions import Fraction

import pytest

from ecgan.preprocessing.rates import ratio_of


@pytest.mark.parametrize(
    ("rate", "wanted", "ratio"),
    [
        (250.0, 360.0, Fraction(36, 25)),
        (360.0, 360.0, Fraction(1)),
        (1000.0, 125.0, Fraction(1, 8)),
        (10.0, 360.0, Fraction(36)),
    ],
)
def test_ratios_are_exact_where_they_can_be(rate: float, wanted: float, ratio: Fraction) -> None:
    assert ratio_of(rate, wanted) == ratio


@pytest.mark.parametrize(
    ("rate", "wanted"), [(257.13, 360.0), (127.7, 360.0), (360.0, 127.7), (99.99, 1000.0), (359.9, 360.0)]
)
def test_odd_rates_are_reached_with_small_numbers(rate: float, wanted: float) -> None:
    ratio = ratio_of(rate, wanted)
    assert ratio is not None
    assert max(ratio.numerator, ratio.denominator) <= 2000
    assert float(ratio) * rate == pytest.approx(wanted, rel=1e-3)


@pytest.mark.parametrize("rate", [1e-6, 1e6, 1e9])
def test_rates_too_far_apart_have_none(rate: float) -> None:
    assert ratio_of(rate, 360.0) is None
    assert ratio_of(360.0, rate) is None
