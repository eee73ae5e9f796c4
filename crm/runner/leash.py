"""Runs a program that ends when its parent does: ``python leash.py PROGRAM ...``.

Linux only knows this wish from within the process, before it becomes the program.
Run as a bare script: it imports nothing of the house, to be quick.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(command: list[str]) -> None:
    """Tie this process to its parent and become ``command``."""
    if sys.platform == "linux":
        parent = os.getppid()
        # SIGKILL, which all of them stand: one asked politely would write its farewell
        # into a pipe nobody reads any more, and Celery then forgets that it was asked.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died in between
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
