"""A dataset made from another one: the simulated patients, seen through lead V1 alone."""

from pydantic import Field

from ecgan.datasets.annotated import BeatOptions
from ecgan.datasets.base import Card
from ecgan.datasets.ecgsyn import Ecgsyn
from ecgan.registry import register_dataset


class V1Options(BeatOptions):
    """The keys of `ecgsyn` with another default."""

    leads: list[str] = Field(["V1"], min_length=1, description="leads by name")


@register_dataset("ecgsyn_v1")
class EcgsynV1(Ecgsyn):
    """Fetching, cutting beats, and cutting recordings that are to be scored are those of `ecgsyn`."""

    card = Card(
        title="Simulated ECG, lead V1 (example package)",
        source="made on the spot",
        licence="free of rights",
        size="2 MB raw; about 2,000 beats, 360 Hz",
    )
    Preprocess = V1Options
