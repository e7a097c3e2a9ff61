"""Trained runs elsewhere: object stores and web servers (fsspec), Weights & Biases, MLflow.

A remote run is copied file by file into `.ecgan/cache/<hash>/<run>`, where it is used like a local one. Only files
that belong to a run are fetched, each up to a size; they are JSON, YAML, CSV and safetensors, and nothing in them is
executed. The hash covers the reference and the state of the remote files: a run that changed is fetched anew.
"""

import re
from pathlib import Path

from ecgan.errors import EcganError
from ecgan.remotes.files import Remote, download

CACHE = Path(".ecgan/cache")
SCHEMES = "published:NAME, s3://BUCKET/RUN (or another URL), wandb:ENTITY/PROJECT/RUN, mlflow:RUN_ID"


def is_remote(path: str) -> bool:
    """Whether the path of a reference names a place elsewhere: `scheme://…`, `wandb:…` or `mlflow:…`."""
    return bool(re.match(r"(?:wandb|mlflow):|[a-z][a-z0-9+.-]*://", path))


def fetch(path: str, fold: int | None = None) -> Path:
    """Copy a remote run here, unless the same is here already; return its folder.

    Args:
        path: The run, `s3://…` (any fsspec URL), `wandb:…` or `mlflow:…`, without fold and version.
        fold: The fold that is wanted, or None for all.

    Raises:
        EcganError: It cannot be read, is no trained run, lacks the fold, or is larger than a run may be; or the
            reference holds a password, which would be printed and written to files.
    """
    if re.match(r"https?://[^/]*@|[a-z][a-z0-9+.-]*://[^/@]*:[^/]*@", path):
        raise EcganError(
            "the reference holds a password or a token, which would end up in files and messages.",
            "Leave them out of the address and give credentials by the environment, as the storage's tools take them.",
        )
    return download(_find(path, fold), path, fold, CACHE)


def refuse_secrets(address: str) -> None:
    """Refuse an address that holds a password or a token."""
    if re.match(r"https?://[^/]*@|[a-z][a-z0-9+.-]*://[^/@]*:[^/@]*@", address):
        raise EcganError(
            "the reference holds a password or a token, which would end up in files and messages.",
            "Leave them out of the address and give credentials by the environment, as the storage's tools take them.",
        )


def _find(path: str, fold: int | None) -> Remote:
    if path.startswith("wandb:"):
        from ecgan.remotes import wandb

        return wandb.find(path.removeprefix("wandb:"), fold)
    if path.startswith("mlflow:"):
        from ecgan.remotes import mlflow

        return mlflow.find(path.removeprefix("mlflow:"), fold)
    from ecgan.remotes import urls

    return urls.find(path, fold)
