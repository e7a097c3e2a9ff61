"""Published models: a trained run with its hashes, its results and a model card, in a folder that DVC versions."""
