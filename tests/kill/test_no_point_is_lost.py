"""Every verb of the points ledger while everything is killed (R1).

Tellers work by the server API and the storefront, a clerk by the services of the house,
all on the same four accounts, while processes are killed, wiped and paused. What they
were told is judged by the ledger's own rows.
"""

import random
import time

import pytest

from tests.kill.brokers import Embedded
from tests.kill.faults import (
    BROKER_SECONDS,
    drained_in,
    hurt_broker,
    hurt_database,
    hurt_web,
    hurt_worker,
    pause_database,
    pause_web,
    pause_worker,
)
from tests.kill.house import House, wait_until
from tests.kill.judging import Deed, Row, judge
from tests.kill.tellers import Account, Clerk, History, Teller

pytestmark = [pytest.mark.kill, pytest.mark.slow, pytest.mark.alone]

TELLERS = 32
HOLDS = 1_000
#: More than the gifts of the control and any debt take.
ENOUGH = 10_000
#: Deeds of tellers and clerk; the faults are spread over them.
DEEDS = 5_000
#: Longest for all of them on a busy machine, seconds.
DEEDS_SECONDS = 600


@pytest.fixture
def house(tmp_path):
    running = House(tmp_path / "house")
    try:
        running.start()
        yield running
    finally:
        running.stop()


def work_of_the_clerk(planted: dict, accounts: list[Account]) -> list[dict]:
    """Return every renewal and every expiry to bring back, among many holds."""
    chance = random.Random(7)
    deeds = [{"kind": "renew", "subscription": pk} for pk in planted["renewals"]]
    deeds += [{"kind": "reinstate", "entry": pk} for pk in planted["expired"]]
    for _ in range(HOLDS):
        points = chance.randint(2, 300)
        spend = chance.choice([0, points // 2, points])
        member = chance.choice(accounts).pk
        deeds.append(
            {"kind": "hold", "member": member, "points": points, "spend": spend}
        )
    chance.shuffle(deeds)
    return [deed | {"number": number} for number, deed in enumerate(deeds)]


def verdict(house: House, accounts: list[Account], history: History) -> list[str]:
    """Judge what was told by what is written."""
    entries = house.query(
        "SELECT e.public_id, m.public_id, e.kind, e.source, e.points, e.seq,"
        " e.balance_after, coalesce((e.trace->>'owed')::int, 0)"
        " - coalesce((e.trace->>'debt_paid')::int, 0) FROM loyalty_pointsentry e"
        " JOIN members_member m ON m.id = e.account_id"
        " WHERE m.id = ANY (%s)",
        [each.pk for each in accounts],
    )
    balances = house.query(
        "SELECT m.public_id, a.balance - a.debt FROM loyalty_pointsaccount a"
        " JOIN members_member m ON m.id = a.member_id WHERE m.id = ANY (%s)",
        [each.pk for each in accounts],
    )
    rows = [Row(*entry) for entry in entries]
    planted = [
        Deed(row.account, row.kind, row.source, row.points)
        for row in rows
        if row.source.startswith("plant:")
    ]
    return judge(
        rows=rows,
        balances=dict(balances),
        deeds=history.deeds + planted,
        gifts=history.gifts,
        reads=history.reads,
    )


def assert_holds_are_over(house: House, history: History) -> None:
    open_holds = house.query("SELECT source FROM loyalty_pointshold WHERE state='open'")
    assert open_holds == []
    thawed = house.one(
        "SELECT count(*) FROM loyalty_pointsfreeze f"
        " JOIN loyalty_pointshold h ON h.id = f.hold_id"
        " WHERE f.public_id = ANY (%s) AND h.state = 'released'",
        history.thawed,
    )
    assert thawed == len(set(history.thawed))
    let_go = house.one(
        "SELECT count(*) FROM loyalty_pointshold"
        " WHERE source = ANY (%s) AND state <> 'released'",
        history.cancelled,
    )
    assert let_go == 0


def assert_plans_are_paid_once(house: House, planted: dict) -> None:
    paid = house.query(
        "SELECT subscription_id, count(*) FROM loyalty_subscriptionperiod"
        " WHERE amount_minor > 0 GROUP BY 1"
    )
    assert {count for _, count in paid} == {1}
    bought, renewed = len(planted["subscribers"]), planted["renewals"]
    assert len(paid) == bought + len(renewed)
    assert set(renewed) <= {subscription for subscription, _ in paid}
    captured = house.one(
        "SELECT count(*) FROM orders_payment p WHERE p.state = 'captured' AND"
        " EXISTS (SELECT FROM orders_orderline l WHERE l.order_id = p.order_id"
        " AND l.kind = 'plan')"
    )
    assert captured == len(paid)


def hurt_broker_of_the_house(house: House) -> dict[str, float]:
    return hurt_broker(house, Embedded())


FAULTS = (
    hurt_web,
    pause_web,
    hurt_worker,
    pause_worker,
    hurt_database,
    pause_database,
    hurt_broker_of_the_house,
)


def hurt_everything(
    house: House, clerk: Clerk, tellers: list[Teller]
) -> dict[str, float]:
    """Hurt one part after the other until all deeds are done; return what took how long."""
    until = time.monotonic() + DEEDS_SECONDS
    took: dict[str, float] = {}
    for number, hurt in enumerate(FAULTS, start=1):
        wait_for_deeds([clerk, *tellers], DEEDS * number // (len(FAULTS) + 1), until)
        clerk.kill()
        took |= hurt(house)
    wait_for_deeds([clerk, *tellers], DEEDS, until)
    return took


def wait_for_deeds(workers: list[Clerk | Teller], count: int, until: float) -> None:
    wait_until(
        lambda: (
            sum(each.done for each in workers) >= count
            or any(each.problems for each in workers)
        ),
        seconds=until - time.monotonic(),
        what=f"{count} deeds",
    )
    assert [each.problems for each in workers if each.problems] == []


def test_r1_points_survive_every_fault(house, capsys):
    planted = house.plant("plant_points.py") | {"tellers": TELLERS}
    accounts = [Account(**each) for each in planted["accounts"]]
    history = History()
    clerk = Clerk(house, work_of_the_clerk(planted, accounts))
    tellers = [
        Teller(house, accounts, planted, history, seed) for seed in range(TELLERS)
    ]
    started = time.monotonic()
    for each in (clerk, *tellers):
        each.start()
    try:
        took = hurt_everything(house, clerk, tellers)
    finally:
        for each in tellers:
            each.halt.set()
        for each in tellers:
            each.join(timeout=180)
    took["deeds"] = time.monotonic() - started
    clerk.join(timeout=180)
    took["outbox empty in the end"] = drained_in(house, seconds=BROKER_SECONDS)
    took["all of it"] = time.monotonic() - started

    with capsys.disabled():
        print(f"\n{figures(tellers, clerk, history)}")
        print("".join(f"  {what}: {s:.1f} s\n" for what, s in took.items()))

    assert [each.problems for each in tellers if each.problems] == []
    assert clerk.left == []
    assert any(each.timeouts for each in tellers), "no pause was felt"
    members = {each.pk: each.id for each in accounts}
    history.deeds += [
        Deed(members[told["account"]], told["kind"], told["source"], told["points"])
        for told in clerk.entries
    ]
    assert verdict(house, accounts, history) == []
    assert_holds_are_over(house, history)
    assert_plans_are_paid_once(house, planted)
    proof = house.manage("verify_ledger")
    assert proof.returncode == 0, proof.stdout + proof.stderr
    control_without_keys(tellers[0], accounts)
    faults = {sentence.split(":")[0] for sentence in verdict(house, accounts, history)}
    assert faults == {"doubled", "phantom"}


def control_without_keys(teller: Teller, accounts: list[Account]) -> None:
    """Ask again under another key, as a client without the guard would."""
    # Whatever the account was left with, even a debt: both gifts are to go through.
    teller.move(accounts[0], "grant", ENOUGH)
    teller.grant(accounts[0])
    told = teller.history.deeds[-1]
    teller.grant(accounts[0])
    teller.history.deeds[-1] = told
    teller.give(accounts[0])
    teller.give(accounts[0])
    teller.history.gifts.pop()


def figures(tellers: list[Teller], clerk: Clerk, history: History) -> str:
    done = sum(each.done for each in (clerk, *tellers))
    retries = sum(each.retries for each in tellers)
    timeouts = sum(each.timeouts for each in tellers)
    return (
        f"{done} deeds, {len(history.deeds)} entries and {len(history.gifts)} gifts"
        f" promised, {len(history.reads)} reads, {history.refused} refused,"
        f" {retries} calls asked again ({timeouts} without an answer), the clerk started {clerk.starts} times"
    )
