"""The domain: records, leads, filters, R peaks, beats, AAMI classes."""
