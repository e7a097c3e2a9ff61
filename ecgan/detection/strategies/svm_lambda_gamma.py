"""A support vector machine on R, D and Z."""

from ecgan.detection.strategies.svm_lambda import Svm


class SvmLambdaGamma(Svm):
    """A radial SVM on (R', D', Z')."""

    name = "svm_lambda_gamma"
    needs = ("reconstruction", "discrimination", "latent")
