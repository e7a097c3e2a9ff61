"""The stages of the pipeline: which files are read, which are written, which library call is between them."""

import sys

sys.modules.setdefault("stages", sys.modules[__name__])  # in the wheel this is `ecgan._stages`: see hatch_build.py
