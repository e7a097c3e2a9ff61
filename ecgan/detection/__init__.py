"""From a trained model to scores: components, strategies that weigh them, thresholds."""
