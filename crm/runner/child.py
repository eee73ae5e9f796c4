"""One process the supervisor looks after: starts it, reads it, brings it back."""

import contextlib
import logging
import logging.handlers
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

#: A process that lived this long is brought back at once.
STEADY_SECONDS = 10.0
LONGEST_WAIT_SECONDS = 8.0
LOG_BYTES = 10_000_000
_LEASH = Path(__file__).with_name("leash.py")


class Child:
    """A program in a process group of its own, restarted when it dies.

    Its lines go to the terminal, behind its name, and to ``<logs>/<name>.log``.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        logs: Path,
        environment: dict[str, str] | None = None,
    ):
        self.name = name
        self._command = list(command)
        self._environment = {**os.environ, **(environment or {})}
        self._log = _open_log(logs / f"{name}.log")
        self._process: subprocess.Popen | None = None
        self._reader: threading.Thread | None = None
        self._started_at = 0.0
        self._failures = 0
        self._not_before = 0.0

    @property
    def pid(self) -> int | None:
        """Return the process id, None before the start."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it. Call from the main thread: Linux ties the children to it."""
        self._started_at = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603
            [
                *(sys.executable, "-I", "-S", str(_LEASH), str(os.getpid())),
                *self._command,
            ],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = threading.Thread(
            target=self._relay_lines, args=[self._process.stdout], daemon=True
        )
        self._reader.start()

    def keep_alive(self) -> None:
        """Bring it back if it died; called again and again, never blocks.

        One that dies young is brought back after 0.5, 1, 2, ... 8 seconds.
        """
        now = time.monotonic()
        if self._process is None:
            if now >= self._not_before:
                self.start()
            return
        code = self._process.poll()
        if code is None:
            return
        steady = now - self._started_at >= STEADY_SECONDS
        self._failures = 0 if steady else self._failures + 1
        pause = 0.0 if steady else min(0.25 * 2**self._failures, LONGEST_WAIT_SECONDS)
        say(f"{self.name} ended ({_cause(code)}); starting it again in {pause:g} s.")
        kill_group(self._process.pid)  # what it left behind, such as web workers
        self._process = None
        self._not_before = now + pause

    def wait(self, seconds: float) -> int | None:
        """Return the exit code, or None if it still runs after ``seconds``."""
        assert self._process is not None and self._reader is not None
        try:
            code = self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return None
        self._reader.join(timeout=2)
        return code

    def ask_to_end(self) -> None:
        """Send SIGTERM."""
        if self._process and self._process.poll() is None:
            self._process.terminate()

    def end(self, *, seconds: float) -> None:
        """Wait for it to end after ``ask_to_end``; then kill its group."""
        if self._process:
            self.wait(max(seconds, 0.0))
            kill_group(self._process.pid)
            self._process.wait()

    def _relay_lines(self, stream) -> None:
        for raw in stream:
            line = raw.decode(errors="replace").rstrip()
            self._log.info(line)
            say(line, name=self.name)


def say(line: str, *, name: str = "") -> None:
    """Print one line; a closed terminal is no reason to stop."""
    try:
        sys.stdout.write(f"{name:>6} | {line}\n" if name else f"{line}\n")
        sys.stdout.flush()
    except (OSError, ValueError):
        pass


def kill_group(pid: int) -> None:
    """Kill every process of the group that ``pid`` leads or led."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def remember(children: Sequence[Child], file: Path) -> None:
    """Note who runs, so that the next start can end them if we cannot."""
    lines = []
    for child in children:
        try:
            created = psutil.Process(child.pid).create_time() if child.pid else None
        except psutil.Error:
            continue
        if created is not None:
            lines.append(f"{child.name} {child.pid} {created}")
    draft = file.with_suffix(".draft")
    draft.write_text("\n".join(lines))
    draft.replace(file)


def end_orphans(file: Path) -> None:
    """End what a supervisor that was killed left running."""
    if not file.exists():
        return
    for line in file.read_text().splitlines():
        try:
            name, pid, created = line.split()
            process = psutil.Process(int(pid))
            ours = abs(process.create_time() - float(created)) < 0.05
        except (ValueError, psutil.Error):
            continue
        if ours and process.status() != psutil.STATUS_ZOMBIE:
            say(f"{name} of an earlier start still runs (process {pid}); ending it.")
            process.terminate()
            psutil.wait_procs([process], timeout=5)
        if ours:
            kill_group(int(pid))
    file.unlink()


def _cause(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _open_log(path: Path) -> logging.Logger:
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(
        path, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8"
    )
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.Logger(str(path))  # noqa: LOG001  not part of the logging tree
    logger.addHandler(handler)
    return logger
