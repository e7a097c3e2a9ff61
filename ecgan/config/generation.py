"""Parameters of the metrics and figures of generated signals."""

from typing import Literal

from pydantic import Field

from ecgan.config.options import Options


class Generation(Options):
    """How generated signals are compared with real ones, on validation data; for generative models only.

    Nothing is computed unless it is asked for: a model that is trained to detect pays nothing for it. Models that are
    made to generate ask for it in their defaults.
    """

    metrics: list[Literal["mmd", "tstr", "trts", "memorisation"]] = Field(
        [],
        description="Discrepancy of real and generated signals; classifiers trained on one and tested on the other; "
        "whether generated signals are copies of training signals."
        " For whoever generates with a model: [mmd, tstr, trts, memorisation].",
    )
    every: int = Field(
        1, ge=0, description="Evaluations from one mmd to the next; 0 computes it once, for the best version."
    )
    classify_every: int = Field(
        0, ge=0, description="Evaluations from one tstr and trts to the next; 0 computes them once, as above."
    )
    samples: int = Field(512, ge=16, le=4096, description="Most signals of a kind that are compared; bounds the cost.")
    classifier: Literal["random_forest", "logistic_regression"] = Field(
        "random_forest", description="The classifier of tstr and trts."
    )
    figures: bool = Field(False, description="Draw samples, a walk through the latents and embeddings at the end.")
    embeddings: list[Literal["pca", "tsne", "umap"]] = Field(
        ["pca", "tsne"], description="Planes in which signals are shown; umap needs the extra 'umap'."
    )
