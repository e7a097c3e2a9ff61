"""Bad input of every kind: each case makes one in a small project, runs a command and says what the message names.

A case is a function below `@case`; the files here hold one kind each, and `test_corpus.py` runs them all.
"""
