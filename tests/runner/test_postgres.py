"""The embedded server: starts, is found again, survives kill -9, stops."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import psycopg
import pytest

from crm.runner import environment, postgres
from crm.runner.binaries import find_programs
from crm.runner.failures import CannotRun

REPOSITORY = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def house(tmp_path):
    """A data folder whose server is stopped afterwards."""
    folder = tmp_path / "house"
    yield folder
    postgres.stop(folder, mode="immediate")


def add_row(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (id serial)")
        connection.execute("INSERT INTO kept DEFAULT VALUES")


def rows(url: str) -> int:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT count(*) FROM kept").fetchone()[0]


def test_a_stopped_server_starts_again_with_its_rows(house):
    url = postgres.start(house)
    add_row(url)
    postgres.stop(house)
    assert not postgres.is_running(house)

    assert postgres.start(house) == url
    assert rows(url) == 1


def test_it_is_durable_checked_and_keeps_parameters_out_of_its_log(house):
    with psycopg.connect(postgres.start(house)) as connection:
        settings = {
            name: connection.execute(f"SHOW {name}").fetchone()[0]
            for name in (
                "fsync",
                "data_checksums",
                "listen_addresses",
                "log_parameter_max_length_on_error",
                "server_encoding",
                "max_connections",
            )
        }
    assert settings == {
        "fsync": "on",
        "data_checksums": "on",
        "listen_addresses": "",
        "log_parameter_max_length_on_error": "0",
        "server_encoding": "UTF8",
        "max_connections": "100",
    }


def test_trigrams_of_chinese_names_are_found(house):
    with psycopg.connect(postgres.start(house, durable=False)) as connection:
        connection.execute("CREATE EXTENSION pg_trgm")
        assert connection.execute("SELECT show_trgm('张伟') <> '{}'").fetchone()[0]


def test_a_running_server_is_found_not_started_twice(house):
    url = postgres.start(house)
    first = postgres.server_of(house).process().pid

    assert postgres.start(house) == url
    assert postgres.server_of(house).process().pid == first


@pytest.mark.kill
def test_committed_rows_survive_kill_9(house):
    url = postgres.start(house)
    add_row(url)
    postgres.server_of(house).process().kill()

    assert postgres.start(house) == url
    assert rows(url) == 1


@pytest.mark.kill
def test_a_pid_file_that_names_a_stranger_does_not_hinder(house):
    postgres.start(house)
    server = postgres.server_of(house)
    victim = server.process()
    pid_file = server.cluster / "postmaster.pid"
    lines = pid_file.read_text().split("\n")
    victim.kill()
    psutil.wait_procs([victim], timeout=10)
    # The number now belongs to somebody else: this very test.
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))
    (server.cluster / ".s.PGSQL.5432.lock").write_text(f"{os.getpid()}\n")

    assert server.process() is None
    assert postgres.start(house) == server.url()


def test_stopping_what_does_not_run_is_no_error(house, tmp_path):
    postgres.stop(house)
    postgres.stop(tmp_path / "never-there")


def test_two_starts_at_once_give_one_server(house):
    urls = []
    threads = [
        threading.Thread(target=lambda: urls.append(postgres.start(house)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(urls) == 2
    assert len(set(urls)) == 1


def test_a_path_too_long_for_a_socket_works(tmp_path):
    folder = tmp_path / ("very-long-" * 12)
    url = postgres.start(folder, durable=False)
    try:
        add_row(url)
        assert rows(url) == 1
    finally:
        postgres.stop(folder, mode="immediate")
    assert not postgres.server_of(folder).socket_dir.exists()


def test_a_half_made_cluster_is_made_again(house):
    cluster = house / f"pgdata-{find_programs().major}"
    (cluster / "base").mkdir(parents=True)
    (cluster / "base" / "1").write_text("half")

    add_row(postgres.start(house, durable=False))


def test_data_of_another_major_version_are_refused_by_name(tmp_path):
    house = tmp_path / "house"
    other = house / "pgdata-9"
    other.mkdir(parents=True)
    (other / "PG_VERSION").write_text("9\n")

    with pytest.raises(CannotRun, match=r"pgdata-9 was written by another"):
        postgres.start(house)
    assert [path.name for path in house.iterdir()] == ["pgdata-9"]


def test_a_broken_cluster_is_explained_by_the_servers_own_words(house):
    postgres.start(house, durable=False)
    postgres.stop(house)
    configuration = postgres.server_of(house).cluster / "postgresql.conf"
    configuration.write_text("no_such_parameter = 1\n")

    with pytest.raises(CannotRun, match="no_such_parameter"):
        postgres.start(house)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user")
def test_root_without_user_namespaces_runs_it_as_nobody(monkeypatch, tmp_path):
    monkeypatch.setenv("CRM_NO_USER_NAMESPACES", "1")
    folder = tmp_path / "house"  # below a 0700 folder: nobody cannot reach it
    url = postgres.start(folder, durable=False)
    server = postgres.server_of(folder)
    try:
        add_row(url)
        assert server.process().uids().real == 65534
    finally:
        postgres.stop(folder, mode="immediate")
        shutil.rmtree(server.cluster)
    assert server.process() is None


def test_the_last_user_out_turns_it_off(house):
    first, second = postgres.EmbeddedDatabase(house), postgres.EmbeddedDatabase(house)
    first.enter()
    second.enter()

    first.leave()
    assert postgres.is_running(house)
    second.leave()
    assert not postgres.is_running(house)


def test_a_command_brings_its_own_database_and_stops_it(house):
    code = (
        "import os, psycopg\n"
        "from crm.runner.postgres import database_for_commands\n"
        "with database_for_commands():\n"
        "    psycopg.connect(os.environ['DATABASE_URL']).close()\n"
        "    print(os.environ['CRM_ENVIRONMENT'], len(os.environ['CRM_SECRET_KEY']))\n"
    )
    kept = {k: v for k, v in os.environ.items() if not k.startswith("CRM_")}
    kept.pop("DATABASE_URL", None)
    answer = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env={**kept, "CRM_DATA_DIR": str(house)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout == "demo 64\n"
    assert not postgres.is_running(house)
    assert (house / "secret-key").stat().st_mode & 0o777 == 0o600


def test_a_named_database_is_left_alone(monkeypatch, tmp_path):
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/db")
    monkeypatch.setenv("CRM_DATA_DIR", str(tmp_path))
    with postgres.database_for_commands():
        assert os.environ["DATABASE_URL"] == "postgresql://elsewhere/db"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_a_bad_port_is_named(monkeypatch, port):
    monkeypatch.setenv("CRM_PORT", port)
    with pytest.raises(CannotRun, match=f"CRM_PORT is '{port}'"):
        environment.web_address()
