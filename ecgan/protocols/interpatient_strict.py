"""`interpatient_strict`: as `interpatient`, and patients of DS2 leave DS1."""

from typing import ClassVar

from ecgan.protocols.interpatient import InterPatient
from ecgan.registry import register_protocol


@register_protocol("interpatient_strict")
class InterPatientStrict(InterPatient):
    """As `interpatient`, by patients and not by records.

    A patient with records in both sets leaves DS1 (in MIT-BIH: record 201, since 202 is the same man); DS2 stays
    what the literature tests on.
    """

    title: ClassVar[str] = "as interpatient, without the records of DS1 whose patient is in DS2"
    strict: ClassVar[bool] = True
