"""Brokers of the tests' own: the embedded one, Redis, RabbitMQ. Each can be wiped."""

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from tests.kill.house import House, free_port, wait_until

RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


def answers(port: int) -> bool:
    """Whether somebody listens on a port of the loopback."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


class Embedded:
    """Kombu's filesystem transport: no process, a folder of the house."""

    url = ""

    def start(self) -> None:
        """Nothing to start."""

    def wipe(self, house: House) -> None:
        """Delete every message."""
        house.wipe_filesystem_broker()

    def stop(self) -> None:
        """Nothing to stop."""


class Redis:
    """A Redis server without persistence: killed is wiped."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        """Start and wait."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1"]
            + ["--save", "", "--appendonly", "no", "--dir", str(self.folder)],
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_until(lambda: answers(self.port), seconds=20, what="Redis")

    def wipe(self, house: House) -> None:
        """Kill it; its memory was all it had."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """Kill it."""
        if self.process:
            self.process.kill()
            self.process.wait()


class RabbitMQ:
    """A RabbitMQ node of its own; wiped by deleting its store."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.port, self.distribution = free_port(), free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        """Start and wait; the Erlang machine takes its time."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "enabled_plugins").write_text("[].")
        self.process = subprocess.Popen(
            [str(RABBITMQ)],
            env={
                **os.environ,
                "HOME": str(self.folder),
                "RABBITMQ_NODENAME": f"house{self.port}@localhost",
                "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
                "RABBITMQ_NODE_PORT": str(self.port),
                "RABBITMQ_DIST_PORT": str(self.distribution),
                "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
                "RABBITMQ_LOG_BASE": str(self.folder / "log"),
                "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1",
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_until(lambda: answers(self.port), seconds=90, what="RabbitMQ")

    def wipe(self, house: House) -> None:
        """Kill it, delete its store, start it again."""
        self.stop()
        shutil.rmtree(self.folder / "mnesia", ignore_errors=True)
        self.start()

    def stop(self) -> None:
        """Kill the node."""
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
