"""From samples to what a model sees: splits and transformations."""
