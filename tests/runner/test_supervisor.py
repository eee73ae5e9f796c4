"""``make run``: everything comes up, comes back, and goes down together."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from crm.runner import postgres
from crm.runner.failures import CannotRun
from crm.runner.supervisor import answers, require_free_port

REPOSITORY = Path(__file__).resolve().parent.parent.parent


class House:
    """A running ``python -m crm.runner`` on a folder and a port of its own."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.output = folder.with_name(f"{folder.name}-output.txt")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.page = f"http://127.0.0.1:{self.port}/livez"
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("CRM_", "CELERY_", "DATABASE_URL"))
        }
        self.environment = {
            **kept,
            "CRM_ENVIRONMENT": "test",
            "CRM_DATA_DIR": str(folder),
            "CRM_PORT": str(self.port),
        }
        self.process: psutil.Popen | None = None

    def start(self) -> None:
        """Start it and wait until all is up."""
        self.process = self.launch()
        self.wait_for(lambda: "Logs: " in self.said(), seconds=90)
        self.wait_for(lambda: len(self.roles()) == 3, seconds=10)

    def launch(self) -> psutil.Popen:
        with self.output.open("w") as output:
            return psutil.Popen(
                [sys.executable, "-m", "crm.runner"],
                cwd=REPOSITORY,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def said(self) -> str:
        return self.output.read_text()

    def roles(self) -> dict[str, psutil.Process]:
        """Return the children by the word that tells them apart."""
        found = {}
        for child in self.process.children():
            try:
                command = child.cmdline()
            except psutil.Error:
                continue
            for role in ("gunicorn", "worker", "beat"):
                if role in command:
                    found[role] = child
        return found

    def everything(self) -> list[psutil.Process]:
        database = postgres.server_of(self.folder).process()
        return [
            self.process,
            *self.process.children(recursive=True),
            *([database, *database.children()] if database else []),
        ]

    def wait_for(self, condition, *, seconds: float) -> float:
        """Return how long it took; fail with what the house said."""
        begun = time.monotonic()
        while not condition():
            assert self.process.poll() is None, f"it ended:\n{self.said()}"
            assert time.monotonic() - begun < seconds, f"too slow:\n{self.said()}"
            time.sleep(0.05)
        return time.monotonic() - begun

    def clean_up(self) -> None:
        if self.process and self.process.poll() is None:
            for process in self.everything():
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            self.process.wait()
        postgres.stop(self.folder, mode="immediate")


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path / "house")
    yield house
    house.clean_up()


@pytest.mark.slow
@pytest.mark.kill
@pytest.mark.alone
def test_a_day_in_the_house(house):
    """Comes up; refuses a second self; what dies comes back; SIGTERM ends all."""
    house.start()
    assert answers(house.page)

    second = subprocess.run(
        [sys.executable, "-m", "crm.runner"],
        cwd=REPOSITORY,
        env=house.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert second.returncode == 1
    assert (
        f"Regulars already runs on {house.folder} (process {house.process.pid}"
        in second.stdout
    )

    for role in ("gunicorn", "worker", "beat"):
        killed = house.roles()[role]
        killed.kill()
        house.wait_for(
            lambda role=role, killed=killed: (
                house.roles().get(role) not in {None, killed}
            ),
            seconds=10,
        )
    assert house.wait_for(lambda: answers(house.page), seconds=30) < 30

    server = postgres.server_of(house.folder)
    killed = server.process()
    killed.kill()
    house.wait_for(
        lambda: server.process() not in {None, killed} and server.is_ready(), seconds=15
    )

    running = house.everything()
    assert len(running) > 8
    house.process.send_signal(signal.SIGTERM)
    assert house.process.wait(timeout=40) == 0
    _, alive = psutil.wait_procs(running, timeout=5)
    assert alive == []
    assert house.said().endswith(f"Stopped. The data are in {house.folder}.\n")


@pytest.mark.slow
@pytest.mark.kill
@pytest.mark.alone
def test_after_kill_9_of_everything_the_rows_are_still_there(house):
    house.start()
    url = postgres.server_of(house.folder).url()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept (id int)")
        connection.execute("INSERT INTO kept VALUES (42)")
    running = house.everything()
    for process in running:
        process.kill()
    house.process.wait()
    psutil.wait_procs(running, timeout=10)

    house.start()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT id FROM kept").fetchall() == [(42,)]
    assert answers(house.page)


@pytest.mark.slow
@pytest.mark.kill
@pytest.mark.alone
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's")
def test_children_do_not_outlive_a_killed_supervisor(house):
    house.start()
    children = house.process.children(recursive=True)
    assert len(children) >= 5

    house.process.kill()
    house.process.wait()

    _, alive = psutil.wait_procs(children, timeout=20)
    assert alive == []


def test_a_busy_port_is_named_with_the_way_out(tmp_path):
    house = House(tmp_path / "house")
    with socket.socket() as other:
        other.bind(("127.0.0.1", house.port))
        other.listen()
        answer = subprocess.run(
            [sys.executable, "-m", "crm.runner"],
            cwd=REPOSITORY,
            env=house.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert answer.returncode == 1
    assert (
        f"Port {house.port} on 127.0.0.1 cannot be used (Address already in use)"
        in answer.stdout
    )
    assert f"CRM_PORT={house.port + 1}" in answer.stdout
    assert not (house.folder / "pgdata-18").exists()


def test_a_free_port_is_no_failure_and_a_foreign_host_is():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    require_free_port("127.0.0.1", port)
    with pytest.raises(CannotRun, match=r"on 192\.0\.2\.1 cannot be used"):
        require_free_port("192.0.2.1", port)
