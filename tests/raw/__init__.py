"""Made-up raw folders for datasets that cannot be fetched in a test: one file a dataset, with `write(raw)`.

Everything is made up; each has enough patients and abnormal samples for the protocols that its dataset admits.
"""
