"""Where a number came from: files, stages, parameters, data, code."""
