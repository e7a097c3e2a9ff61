"""A weighted sum of R, D and Z."""

from ecgan.detection.strategies.lambda_grid import Grid
from ecgan.registry import register_strategy


@register_strategy("lambda_gamma_grid")
class LambdaGammaGrid(Grid):
    """λR' + γD' + (1 − λ − γ)Z'."""

    title = "weighted sum of reconstruction error, discrimination and latent"
    source = "Lüer et al., arXiv 2310.18091"
    needs = ("reconstruction", "discrimination", "latent")
