"""What processes of one training do together."""

from collections.abc import Callable
from typing import Any

from ecgan.errors import EcganError


def exchange(operation: Callable[..., Any], *arguments: Any) -> None:
    """Do it together with the other processes.

    Raises:
        EcganError: One of them has ended. It was the first to fail, so nobody sees this but where it was killed.
    """
    try:
        operation(*arguments)
    except RuntimeError as error:
        raise EcganError(
            "another process of this training has ended.",
            "Run the command again: the training is taken up where it stood. A process that says nothing was killed,"
            " often for want of memory.",
        ) from error
