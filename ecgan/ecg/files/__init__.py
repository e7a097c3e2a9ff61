"""Readers of recordings: WFDB, EDF, text, NumPy."""
