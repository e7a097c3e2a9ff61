"""The stages of the pipeline: which files are read, which are written, which library call is between them."""
