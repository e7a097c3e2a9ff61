"""How good scores are: ranking and label metrics, per class, with bootstrap intervals."""
