"""Typed parameters: reading, checking, writing."""
