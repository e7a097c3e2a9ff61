"""What every dataset's section `preprocess` may hold beside its own keys: filters, cleansing and resampling."""

from typing import Literal, Self

from pydantic import Field, model_validator

from ecgan.config.options import Options


class FilterOptions(Options):
    """Filters of a whole recording, before samples are cut out of it."""

    filters: list[Literal["bandpass", "baseline", "notch"]] = Field(
        [], description="filters of the whole recording, applied in this order before samples are cut"
    )
    low_hz: float = Field(0.5, gt=0, le=50, description="lower edge of the band-pass, Hz")
    high_hz: float = Field(40.0, gt=0, le=500, description="upper edge of the band-pass, Hz")
    mains_hz: Literal[50, 60] = Field(50, description="frequency of the mains, which the notch takes out, Hz")

    @model_validator(mode="after")
    def _band(self) -> Self:
        if self.low_hz >= self.high_hz:
            raise ValueError(f"low_hz ({self.low_hz:g}) must be below high_hz ({self.high_hz:g})")
        if len(set(self.filters)) < len(self.filters):
            raise ValueError("filters names a filter twice")
        return self


class Cleansing(Options):
    """Which samples are left out, and how gaps in the others are filled."""

    drop: bool = Field(True, description="leave out samples that are flat, out of range or have too large gaps")
    max_missing: float = Field(0.2, ge=0, lt=1, description="largest share of missing values (NaN) in a lead")
    limit: float | None = Field(
        None, gt=0, description="largest magnitude of a value, in the unit of the data; null sets no limit"
    )
    impute: Literal["knn", "linear"] = Field(
        "knn", description="how missing values are filled: from the nearest time steps by the other leads, or linearly"
    )


class Resampling(Options):
    """How samples are brought to another length or rate."""

    method: Literal["none", "lttb", "interpolate", "fixed_rate", "polyphase"] = Field(
        "none",
        description="lttb and interpolate give a length, fixed_rate takes every k-th value, polyphase filters as well",
    )
    variant: Literal["lttb", "pylttb"] = Field(
        "lttb", description="bins of lttb: those of the package lttb, or of Steinarsson's first program (the papers)"
    )
    length: int | None = Field(None, ge=4, le=100_000, description="time steps of lttb and interpolate")
    rate_hz: float | None = Field(None, gt=0, le=100_000, description="sampling rate of fixed_rate and polyphase, Hz")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.method in ("lttb", "interpolate") and self.length is None:
            raise ValueError(f"the method {self.method!r} needs length")
        if self.method in ("fixed_rate", "polyphase") and self.rate_hz is None:
            raise ValueError(f"the method {self.method!r} needs rate_hz")
        if self.length is not None and self.method not in ("lttb", "interpolate"):
            raise ValueError(f"the method {self.method!r} does not read length; allowed: null, or lttb or interpolate")
        if self.rate_hz is not None and self.method not in ("fixed_rate", "polyphase"):
            raise ValueError(f"the method {self.method!r} does not read rate_hz; allowed: null, or another method")
        return self


class SampleOptions(Options):
    """What is done with the samples of any dataset once they are cut; the base of every `Preprocess`."""

    cleansing: Cleansing = Field(Cleansing(), description="Samples that are left out, gaps that are filled.")
    resampling: Resampling = Field(Resampling(), description="Another length or rate of the samples.")
