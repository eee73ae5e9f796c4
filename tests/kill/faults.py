"""Faults of a running house, and how long until it works again by itself (R11)."""

import subprocess
import sys
import time

from tests.kill.brokers import Embedded, RabbitMQ, Redis
from tests.kill.house import REPOSITORY, House, wait_until

WEB_SECONDS = 5
DATABASE_SECONDS = 15
WORKER_SECONDS = 45
BROKER_SECONDS = 60
#: How long a process stands still and knows nothing of it, seconds.
PAUSE_SECONDS = 6
#: What importing the product takes where nothing else runs.
QUIET_IMPORT_SECONDS = 4.0


def slowness_seconds(house: House) -> float:
    """Return how much longer a process takes to start now than on a quiet machine."""
    started = time.monotonic()
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "import crm.wsgi"],
        cwd=REPOSITORY,
        env={**house.environment, "DATABASE_URL": house.database_url},
        check=True,
    )
    return max(0.0, time.monotonic() - started - QUIET_IMPORT_SECONDS)


def undone(house: House) -> int:
    """Return how many deliveries of the outbox are not done."""
    return house.one("SELECT count(*) FROM shared_delivery WHERE state <> 'done'")


def orders(house: House, where: str = "true") -> int:
    """Return how many orders there are."""
    return house.one(f"SELECT count(*) FROM orders_order WHERE {where}")


def drained_in(house: House, *, seconds: float) -> float:
    """Wait until the outbox is empty; return how long it took."""
    return wait_until(lambda: undone(house) == 0, seconds=seconds, what="outbox empty")


def hurt_web(house: House) -> dict[str, float]:
    """Kill one serving process, then the whole web, in the middle of checkouts."""
    house.kill_one_web_process()
    one = wait_until(house.is_ready, seconds=WEB_SECONDS, what="web (one process)")
    allowed = WEB_SECONDS + 2 * slowness_seconds(house)
    house.kill("web")
    time.sleep(0.1)
    all_of_it = 0.1 + wait_until(house.is_ready, seconds=allowed, what="web")
    return {"web process killed": one, "web killed": all_of_it}


def delivered_in(house: House, newest: int, *, seconds: float, what: str) -> float:
    """Wait until deliveries up to ``newest`` are done; return how long it took."""
    left = "SELECT count(*) FROM shared_delivery WHERE id <= %s AND state <> 'done'"
    return wait_until(lambda: house.one(left, newest) == 0, seconds=seconds, what=what)


def newest_delivery(house: House) -> int:
    """Return the number of the newest delivery of the outbox."""
    return house.one("SELECT coalesce(max(id), 0) FROM shared_delivery")


def hurt_worker(house: House) -> dict[str, float]:
    """Kill the worker with deliveries in flight: they are done within their lease."""
    newest = newest_delivery(house)
    house.kill("worker")
    what = "deliveries of a killed worker"
    took = delivered_in(house, newest, seconds=WORKER_SECONDS, what=what)
    return {"worker killed, its deliveries done": took}


def pause_web(house: House) -> dict[str, float]:
    """Stop one serving process with all its locks: the other one is asked again."""
    house.pause(house.processes_of("web")[1:2], seconds=PAUSE_SECONDS)
    took = wait_until(house.is_ready, seconds=WEB_SECONDS, what="web (paused)")
    return {"web process paused": took}


def pause_worker(house: House) -> dict[str, float]:
    """Stop the worker and what it started: it goes on where it stood."""
    newest = newest_delivery(house)
    house.pause(house.processes_of("worker"), seconds=PAUSE_SECONDS)
    what = "deliveries of a paused worker"
    took = delivered_in(house, newest, seconds=WORKER_SECONDS, what=what)
    return {"worker paused, its deliveries done": took}


def pause_database(house: House) -> dict[str, float]:
    """Stop PostgreSQL in the middle of transactions: nobody gets an answer."""
    before = newest_delivery(house)
    house.pause(house.processes_of("database"), seconds=PAUSE_SECONDS)
    took = wait_until(
        house.is_ready, seconds=DATABASE_SECONDS, what="database (paused)"
    )
    wait_until(lambda: newest_delivery(house) > before, seconds=30, what="news again")
    return {"database paused": took}


def hurt_database(house: House) -> dict[str, float]:
    """Crash PostgreSQL while orders come in."""
    before = orders(house)
    house.crash_database()
    time.sleep(0.5)
    took = 0.5 + wait_until(house.is_ready, seconds=DATABASE_SECONDS, what="database")
    wait_until(lambda: orders(house) > before, seconds=30, what="orders again")
    return {"database crashed": took}


def hurt_broker(house: House, broker: Embedded | Redis | RabbitMQ) -> dict[str, float]:
    """Wipe the broker: facts recorded before it are delivered by the sweep."""
    newest = newest_delivery(house)
    broker.wipe(house)
    what = "deliveries after the broker was wiped"
    took = delivered_in(house, newest, seconds=BROKER_SECONDS, what=what)
    return {"broker wiped, deliveries done": took}
