"""The inverse mapping, from a signal x to its latent z."""
