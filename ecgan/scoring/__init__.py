"""Scoring recordings of one's own with a trained run: from a file to scores, annotations, a summary and a page."""
