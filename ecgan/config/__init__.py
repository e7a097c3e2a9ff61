"""Typed parameters: reading, checking, writing.

`params.yaml` and every `config.yml` have one schema, `Params`. Importing this package is cheap: no torch, no NumPy.
"""

from ecgan.config.generation import Generation
from ecgan.config.inverse import Inverse, NetworkOptions, SearchOptions, StartedSearchOptions
from ecgan.config.loading import arithmetic_of, load_detection, load_inverse, load_params, resolve_params
from ecgan.config.options import Options
from ecgan.config.reading import Document, read_document
from ecgan.config.schema import (
    Detect,
    Detection,
    DetectionExperiment,
    DetectionParams,
    Experiment,
    InverseParams,
    Params,
    Report,
    Runtime,
    Split,
    Train,
)
from ecgan.config.writing import render, render_config, render_detection, render_inverse, render_params

__all__ = [
    "Detect",
    "Detection",
    "DetectionExperiment",
    "DetectionParams",
    "Document",
    "Experiment",
    "Generation",
    "Inverse",
    "InverseParams",
    "NetworkOptions",
    "Options",
    "Params",
    "Report",
    "Runtime",
    "SearchOptions",
    "Split",
    "StartedSearchOptions",
    "Train",
    "arithmetic_of",
    "load_detection",
    "load_inverse",
    "load_params",
    "read_document",
    "render",
    "render_config",
    "render_detection",
    "render_inverse",
    "render_params",
    "resolve_params",
]
