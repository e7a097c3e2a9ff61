# The environment of ECGAN; docs/container.md says how to use it. Code is that of the repository mounted at /work.
# torch's wheels bring their CUDA libraries, so the base needs none of its own: any Debian or Ubuntu with Python 3.11 or newer.
ARG BASE_IMAGE=nvidia/cuda:13.0.3-base-ubuntu24.04
FROM ${BASE_IMAGE}

# Versions of system packages are those of the base's release.
# hadolint ignore=DL3008
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates git python3-venv \
 && apt-get clean \
 && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log /var/log/alternatives.log /var/cache/debconf/*-old \
 && git config --system --add safe.directory '*' \
 && python3 -m venv /opt/venv

# The dependencies, with an empty package in the place of the code, so that an edit of the code does not install them again.
# An index of one's own, a proxy's certificate: secrets `pip.conf` and `ca.crt`, of which nothing stays in the image.
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /opt/ecgan
ARG EXTRAS=s3
ARG PIP_EXTRA_INDEX_URL=
COPY constraints.txt constraints-hashed.txt pyproject.toml hatch_build.py ./
# On x86-64 and with a Python whose wheels have them, all but torch and its libraries is held against its SHA-256.
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=secret,id=pip.conf --mount=type=secret,id=ca.crt \
    mkdir ecgan stages && touch LICENSE README.md \
 && export PIP_CONFIG_FILE=/run/secrets/pip.conf \
 && case "$(python3 -c 'import platform as p; print(p.machine(), p.python_version())')" in \
    "x86_64 3.11."* | "x86_64 3.12."*) \
      sed '/^# Not in the image/,$d' constraints-hashed.txt > /tmp/hashed.txt \
      && pip install --cache-dir /root/.cache/pip --require-hashes --no-deps --requirement /tmp/hashed.txt \
      && rm /tmp/hashed.txt ;; \
    esac \
 && pip install --cache-dir /root/.cache/pip --constraint constraints.txt ".[${EXTRAS}]" \
 && pip uninstall --yes ecgan

# A copy of the code, for containers without a repository.
COPY LICENSE README.md ./
COPY ecgan ecgan
COPY stages stages
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=secret,id=pip.conf --mount=type=secret,id=ca.crt \
    PIP_CONFIG_FILE=/run/secrets/pip.conf pip install --cache-dir /root/.cache/pip --no-deps --editable . \
 && rm -rf __pycache__

# Any uid: DVC and Git ask for a home that can be written and, where the uid has no name, for USER.
# PYTHONPATH: the mounted code before the copy. NVIDIA_*: what a base without CUDA lacks.
ENV HOME=/tmp USER=ecgan PYTHONPATH=/work DVC_SITE_CACHE_DIR=/tmp/dvc \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
WORKDIR /work
ENTRYPOINT []
CMD ["dvc", "repro"]

ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.title="ECGAN" \
      org.opencontainers.image.description="Generative models that flag the heartbeats they cannot explain: a reproducible ECG anomaly-detection pipeline" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
