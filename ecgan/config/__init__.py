"""Typed parameters: reading, checking, writing.

`params.yaml` and every `config.yml` have one schema, `Params`. Importing this package is cheap: no torch, no NumPy.
"""

from ecgan.config import names as names
from ecgan.config.generation import Generation as Generation
from ecgan.config.inverse import Inverse as Inverse
from ecgan.config.inverse import NetworkOptions as NetworkOptions
from ecgan.config.inverse import SearchOptions as SearchOptions
from ecgan.config.inverse import StartedSearchOptions as StartedSearchOptions
from ecgan.config.loading import arithmetic_of as arithmetic_of
from ecgan.config.loading import lists_models as lists_models
from ecgan.config.loading import load_detection as load_detection
from ecgan.config.loading import load_inverse as load_inverse
from ecgan.config.loading import load_params as load_params
from ecgan.config.loading import resolve_params as resolve_params
from ecgan.config.options import Options as Options
from ecgan.config.reading import Document as Document
from ecgan.config.reading import read_document as read_document
from ecgan.config.schema import Detection as Detection
from ecgan.config.schema import DetectionParams as DetectionParams
from ecgan.config.schema import InverseParams as InverseParams
from ecgan.config.schema import Params as Params
from ecgan.config.schema import Runtime as Runtime
from ecgan.config.schema import Split as Split
from ecgan.config.schema import Train as Train
from ecgan.config.writing import render as render
from ecgan.config.writing import render_config as render_config
from ecgan.config.writing import render_detection as render_detection
from ecgan.config.writing import render_inverse as render_inverse
from ecgan.config.writing import render_params as render_params
