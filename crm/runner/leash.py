"""Ends a program with its parent: ``python leash.py PARENT PROGRAM ...``.

``PARENT`` is the process id of who starts it: had that one died before this process
could ask, whoever adopted it would be taken for it. Linux only knows this wish from
within the process, before it becomes the program. Run as a bare script: it imports
nothing of the house, to be quick.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def tie_to_parent(parent: int) -> None:
    """End this process when ``parent``, the process that started it, ends.

    SIGKILL, which all of them stand: one asked politely would write its farewell into
    a pipe nobody reads any more, and Celery then forgets that it was asked.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died in between
            os._exit(1)


def main(parent: str, *command: str) -> None:
    """Tie this process to its parent and become ``command``."""
    tie_to_parent(int(parent))
    os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(*sys.argv[1:])
