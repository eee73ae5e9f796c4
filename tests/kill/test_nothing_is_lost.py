"""Kill everything, one after the other, under load: nothing lost, nothing doubled.

Times are those of R11 in the reliability goals: how long until it works again by
itself. Most are driven by leases and sweeps. Where a process has to start again, what
the start takes longer than on a quiet machine of two cores is measured and allowed.
"""

import shutil

import pytest

from tests.kill.brokers import RABBITMQ, Embedded, RabbitMQ, Redis
from tests.kill.faults import (
    BROKER_SECONDS,
    WORKER_SECONDS,
    drained_in,
    hurt_broker,
    hurt_database,
    hurt_web,
    hurt_worker,
    orders,
)
from tests.kill.house import House, wait_until
from tests.kill.shoppers import Shopper

pytestmark = [pytest.mark.kill, pytest.mark.slow, pytest.mark.alone]

POINTS_PER_ORDER = 100


def make_broker(kind: str, folder):
    if kind == "redis" and not shutil.which("redis-server"):
        pytest.skip("redis-server is not installed; .ci/run installs it")
    if kind == "rabbitmq" and not RABBITMQ.exists():
        pytest.skip("rabbitmq-server is not installed; .ci/run installs it")
    makers = {
        "embedded": Embedded,
        "redis": lambda: Redis(folder / "redis"),
        "rabbitmq": lambda: RabbitMQ(folder / "rabbitmq"),
    }
    return makers[kind]()


@pytest.fixture(params=["embedded", "redis", "rabbitmq"])
def broker(request, tmp_path):
    server = make_broker(request.param, tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def house(tmp_path, broker):
    running = House(tmp_path / "house", broker_url=broker.url)
    try:
        running.start()
        yield running
    finally:
        running.stop()


def assert_books_agree(house: House, shoppers: list[Shopper]) -> None:
    acknowledged = {order for each in shoppers for order in each.placed.values()}
    paid = {order for each in shoppers for order in each.paid}
    stored = dict(house.query("SELECT public_id, state FROM orders_order"))
    assert acknowledged <= set(stored), "an acknowledged order is lost"
    assert orders(house) == house.one(
        "SELECT count(DISTINCT cart_id) FROM orders_order"
    ), "a cart became two orders"
    assert all(stored[order] == "paid" for order in paid), "a paid order is not"
    once = house.query(
        "SELECT source, count(*) FROM loyalty_pointsentry WHERE kind = 'earn'"
        " GROUP BY source"
    )
    assert {count for _, count in once} <= {1}, "an order earned twice"
    all_paid = orders(house, "state = 'paid'")
    assert len(once) == all_paid, "a paid order earned nothing, or an unpaid one did"
    lowest_tier = house.one(
        "SELECT count(*) FROM loyalty_pointsentry WHERE kind='earn' AND points < %s",
        POINTS_PER_ORDER,
    )
    assert lowest_tier == 0
    sums = house.query(
        "SELECT a.balance - a.debt, coalesce((SELECT sum(points) FROM"
        " loyalty_pointsentry e WHERE e.account_id = a.member_id), 0)"
        " FROM loyalty_pointsaccount a"
    )
    assert all(balance == total for balance, total in sums)
    proof = house.manage("verify_ledger")
    assert proof.returncode == 0, proof.stdout + proof.stderr
    sold = house.one("SELECT 400000 - sum(on_hand) + sum(reserved) FROM orders_variant")
    assert sold == orders(house), "stock and orders differ"


def test_kill_everything_under_load(house, broker, capsys):
    planted = house.plant()
    shoppers = [
        Shopper(house, token, planted["skus"], seed)
        for seed, token in enumerate(planted["tokens"])
    ]
    for shopper in shoppers:
        shopper.start()
    took: dict[str, float] = {}
    try:
        wait_until(
            lambda: orders(house) > 20 or any(each.problems for each in shoppers),
            seconds=60,
            what="orders coming in",
        )
        assert [each.problems for each in shoppers if each.problems] == []
        took |= hurt_web(house)
        took |= hurt_worker(house)
        took |= hurt_database(house)
        took |= hurt_broker(house, broker)
    finally:
        for shopper in shoppers:
            shopper.halt.set()
        for shopper in shoppers:
            shopper.join(timeout=120)
    took["outbox empty after the last order"] = drained_in(
        house, seconds=BROKER_SECONDS
    )

    assert [each.problems for each in shoppers if each.problems] == []
    assert_books_agree(house, shoppers)
    with capsys.disabled():
        retries = sum(each.retries for each in shoppers)
        lines = "".join(f"\n  {what}: {s:.1f} s" for what, s in took.items())
        print(f"\n{orders(house)} orders, {retries} calls asked again{lines}")


#: Enough rows for an import that is still under way when its worker is killed.
INVOICES = 2_000
LINES_PER_INVOICE = 50


def write_invoices(path) -> None:
    with path.open("w") as file:
        file.write("InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,")
        file.write("CustomerID,Country\n")
        for number in range(INVOICES):
            for line in range(LINES_PER_INVOICE):
                file.write(
                    f"{600000 + number},{10000 + line},THING {line},2,"
                    f"2011-06-{1 + number % 28:02d} 10:00:00,1.25,"
                    f"{20000 + number % 300},France\n"
                )


def test_an_import_goes_on_where_its_worker_was_killed(house, tmp_path, capsys):
    write_invoices(tmp_path / "invoices.csv")
    job = house.enqueue_import(tmp_path / "invoices.csv")

    def job_says(column: str):
        return house.one(f"SELECT {column} FROM shared_job WHERE public_id = %s", job)

    wait_until(
        lambda: job_says("state") == "running" and job_says("done") > 0,
        seconds=60,
        what="import under way",
    )
    house.kill("worker")
    assert job_says("state") == "running", "the import was over before the kill"
    took = wait_until(
        lambda: job_says("fence") >= 2,
        seconds=WORKER_SECONDS,
        what="import of a killed worker",
    )
    wait_until(lambda: job_says("state") == "done", seconds=180, what="import done")
    drained_in(house, seconds=120)

    assert orders(house) == INVOICES
    lines = house.one("SELECT count(*) FROM orders_orderline")
    assert lines == INVOICES * LINES_PER_INVOICE
    earned = house.one("SELECT count(*) FROM loyalty_pointsentry WHERE kind = 'earn'")
    assert earned == INVOICES
    assert house.manage("verify_ledger").returncode == 0
    with capsys.disabled():
        print(f"\nimport taken up again after {took:.1f} s")
