"""The training loop, versions, resuming."""
