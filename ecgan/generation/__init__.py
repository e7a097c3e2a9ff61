"""Generating signals, and measuring how much they are like real ones."""
