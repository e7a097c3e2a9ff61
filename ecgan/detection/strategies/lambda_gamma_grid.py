"""A weighted sum of R, D and Z."""

from ecgan.detection.strategies.lambda_grid import Grid


class LambdaGammaGrid(Grid):
    """λR' + γD' + (1 − λ − γ)Z'."""

    name = "lambda_gamma_grid"
    needs = ("reconstruction", "discrimination", "latent")
