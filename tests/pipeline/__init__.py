"""The real pipeline, run as a user runs it, on a tiny simulated dataset."""
