"""A support vector machine on R, D and Z."""

from ecgan.detection.strategies.svm_lambda import Svm
from ecgan.registry import register_strategy


@register_strategy("svm_lambda_gamma")
class SvmLambdaGamma(Svm):
    """A radial SVM on (R', D', Z')."""

    title = "support vector machine on reconstruction error, discrimination and latent"
    source = "Lüer et al., arXiv 2310.18091"
    needs = ("reconstruction", "discrimination", "latent")
