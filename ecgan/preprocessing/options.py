"""What every dataset's section `preprocess` may hold beside its own keys: filters, cleansing and resampling."""

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from ecgan.config.options import Options

STOP, LEAVE_OUT = "stop", "leave_out"


class RecordingOptions(Options):
    """What happens where recordings are read one by one."""

    on_error: Literal["stop", "leave_out"] = Field(
        "stop", description="what happens at a recording that cannot be used: stop, or leave it out, named and counted"
    )


class FilterOptions(Options):
    """Filters of a whole recording, before samples are cut out of it."""

    filters: list[Literal["bandpass", "baseline", "notch"]] = Field(
        [], description="filters of the whole recording, applied in this order before samples are cut"
    )
    low_hz: float = Field(0.5, gt=0, le=50, description="lower edge of the band-pass, Hz")
    high_hz: float = Field(40.0, gt=0, le=500, validate_default=True, description="upper edge of the band-pass, Hz")
    mains_hz: Literal[50, 60] = Field(50, description="frequency of the mains, which the notch takes out, Hz")

    @field_validator("filters")
    @classmethod
    def _each_once(cls, filters: list[str]) -> list[str]:
        if len(set(filters)) < len(filters):
            raise ValueError("a filter is named twice; allowed: each once")
        return filters

    @field_validator("high_hz")
    @classmethod
    def _above_low_hz(cls, high_hz: float, info: ValidationInfo) -> float:
        low_hz = info.data.get("low_hz", 0.0)
        if low_hz >= high_hz:
            raise ValueError(f"low_hz is {low_hz:g}; allowed: a number above it")
        return high_hz


class AlignOptions(Options):
    """Where beats are cut."""

    align: Literal["none", "deflection", "template"] = Field(
        "none",
        description="where beats are cut: none, at their marks; deflection, at the largest wave near each; template,"
        " where they lie on the record's median beat",
    )


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


_READ_BY = {"length": ("lttb", "interpolate"), "rate_hz": ("fixed_rate", "polyphase")}


class Resampling(Options):
    """How samples are brought to another length or rate."""

    method: Literal["none", "lttb", "interpolate", "fixed_rate", "polyphase"] = Field(
        "none",
        description="lttb and interpolate give a length, fixed_rate takes every k-th value, polyphase filters as well",
    )
    variant: Literal["lttb", "pylttb"] = Field(
        "lttb", description="bins of lttb: those of the package lttb, or of Steinarsson's first program (the papers)"
    )
    length: int | None = Field(
        None, ge=4, le=100_000, validate_default=True, description="time steps of lttb and interpolate"
    )
    rate_hz: float | None = Field(
        None, gt=0, le=100_000, validate_default=True, description="sampling rate of fixed_rate and polyphase, Hz"
    )

    @field_validator("length", "rate_hz")
    @classmethod
    def _where_it_is_read(cls, value: float | None, info: ValidationInfo) -> float | None:
        method, read_by = info.data.get("method"), _READ_BY[str(info.field_name)]
        if value is None and method in read_by:
            raise ValueError(f"the method {method!r} needs it")
        if value is not None and method not in (None, *read_by):
            raise ValueError(f"the method {method!r} does not read it; allowed: null, or method {' or '.join(read_by)}")
        return value


class SampleOptions(Options):
    """What is done with the samples of any dataset once they are cut; the base of every `Preprocess`."""

    cleansing: Cleansing = Field(Cleansing(), description="Samples that are left out, gaps that are filled.")
    resampling: Resampling = Field(Resampling(), description="Another length or rate of the samples.")
