"""``python -m crm.runner.worker``: one more background worker, in this terminal."""

import os
import subprocess
import sys

from crm.runner import environment
from crm.runner.postgres import database_for_commands


def main() -> int:
    """Run a worker until Ctrl-C; the exit code for the shell."""
    os.chdir(environment.REPOSITORY)
    os.environ.setdefault("CRM_STATEMENT_TIMEOUT", "60s")
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "crm", "worker"]
    # A name of its own: two workers of one name confuse each other.
    command += ["-P", "threads", "-c", "4", "--loglevel", "INFO"]
    command += ["--hostname", f"extra-{os.getpid()}@%h"]
    with database_for_commands():
        try:
            return subprocess.call(command)  # noqa: S603
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
