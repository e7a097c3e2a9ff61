"""Start a worker of a cluster that computes portably: `python -m ecgan.engines.worker tls://HOST:8786 --nthreads 1`.

All arguments are those of `dask worker`. One that is started otherwise needs `ecgan.arithmetic.PORTABLE` in its
environment.
"""

import os
import sys

from ecgan.arithmetic import PORTABLE

if __name__ == "__main__":
    command = [sys.executable, "-m", "dask", "worker", "--nthreads", "1", *sys.argv[1:]]
    os.execve(sys.executable, command, os.environ | PORTABLE)  # noqa: S606 (no shell)
