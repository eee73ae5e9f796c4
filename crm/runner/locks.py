"""File locks. The kernel drops them when their holder dies, however it dies."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FileLock:
    """An advisory lock on a file that is never deleted."""

    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def share(self) -> None:
        """Wait until no one holds it alone, then hold it with others."""
        fcntl.flock(self._fd, fcntl.LOCK_SH)

    def take(self, *, timeout_seconds: float = 0.0) -> bool:
        """Hold it alone. Return False when others hold it for that long."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    return False
                time.sleep(0.05)
            else:
                return True

    def write(self, text: str) -> None:
        """Leave a note for those who find it taken."""
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, text.encode(), 0)

    def read(self) -> str:
        """Return the holder's note."""
        return os.pread(self._fd, 4096, 0).decode()

    def release(self) -> None:
        """Let go and close."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


@contextmanager
def locked(path: Path, *, timeout_seconds: float = 300.0) -> Iterator[None]:
    """Hold ``path`` alone for the length of the block.

    Raises:
        TimeoutError: others held it for longer than ``timeout_seconds``.
    """
    lock = FileLock(path)
    try:
        if not lock.take(timeout_seconds=timeout_seconds):
            raise TimeoutError(f"{path} was held for {timeout_seconds:.0f} s.")
        yield
    finally:
        lock.release()
