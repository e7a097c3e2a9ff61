"""Tests that hold files of the project against each other."""
