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


def hurt_worker(house: House) -> dict[str, float]:
    """Kill the worker with deliveries in flight: they are done within their lease."""
    newest = house.one("SELECT coalesce(max(id), 0) FROM shared_delivery")
    house.kill("worker")
    took = wait_until(
        lambda: (
            house.one(
                "SELECT count(*) FROM shared_delivery WHERE id <= %s AND state <> 'done'",
                newest,
            )
            == 0
        ),
        seconds=WORKER_SECONDS,
        what="deliveries of a killed worker",
    )
    return {"worker killed, its deliveries done": took}


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
    newest = house.one("SELECT coalesce(max(id), 0) FROM shared_delivery")
    broker.wipe(house)
    took = wait_until(
        lambda: (
            house.one(
                "SELECT count(*) FROM shared_delivery WHERE id <= %s AND state <> 'done'",
                newest,
            )
            == 0
        ),
        seconds=BROKER_SECONDS,
        what="deliveries after the broker was wiped",
    )
    return {"broker wiped, deliveries done": took}
