"""Fill the shop of the environment, post in turn with the peers, print the tables."""

# isort: off
import django

django.setup()
# isort: on

import itertools
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.synchronize import Barrier
from statistics import median, quantiles

from django.db import connection

from benchmarks.measuring import in_turn, ratio, said, table
from benchmarks.points import plain
from crm.shared import clock
from loyalty.models import PointsEntry, PointsLot
from loyalty.queries.points import points_summary
from loyalty.services.expiring import expire_lots
from loyalty.services.posting import open_accounts
from loyalty.services.redeeming import redeem_points
from loyalty.services.verification import verify_ledger
from members.models import Member
from members.rules.numbers import member_number

#: Points of each lot that is spent from: nobody runs out.
_GRANTED = 100_000_000
#: Points of each lot that ends, and how many of them one call books.
_ENDING, _CHUNK = 5, 10_000
#: Three lots a member, whose keys follow those of the members.
_FILL = """
WITH granted AS (
    INSERT INTO loyalty_pointsentry (public_id, account_id, seq, kind, points,
                balance_after, source, reason, actor, trace, occurred_at)
    SELECT 'pte_' || gen_random_uuid(), member_id, seq + n, 'grant', %(points)s,
           balance - debt + n * %(points)s, %(source)s || n, '', '', '{}', %(at)s
      FROM loyalty_pointsaccount, generate_series(1, %(lots)s) AS n
     ORDER BY member_id, n
    RETURNING id, account_id
), counted AS (
    UPDATE loyalty_pointsaccount
       SET balance = balance + %(lots)s * %(points)s, seq = seq + %(lots)s
)
INSERT INTO loyalty_pointslot (account_id, entry_id, granted, remaining, held,
            active_at, expires_at)
SELECT account_id, id, %(points)s, %(points)s, 0, %(at)s,
       %(ends)s + (id %% %(lots)s) * interval '1 second'
  FROM granted ORDER BY account_id, id
"""
Work = Callable[[int, str], object]


def main(members: int, seconds: int, turns: int) -> None:
    """Measure spending by so many members, each side so long and so often."""
    first_lot = _fill(members)
    for load, drawn in (("random members", members), ("one member", 1)):
        print(f"\n{_spending(load, drawn, first_lot, seconds, turns)}\n", flush=True)
        _prove()
    print(f"{_expiring(members, turns)}\n", flush=True)
    _prove()
    _reading(turns)


def _fill(members: int) -> int:
    """Open accounts with three lots each; return the key of the first lot."""
    now = clock.now()
    with said(f"Filling {members:,d} members"):
        Member.objects.bulk_create(
            (
                Member(pk=serial, number=member_number(serial), joined_at=now)
                for serial in range(1, members + 1)
            ),
            batch_size=5_000,
        )
        open_accounts(member_ids=range(1, members + 1), now=now)
        _grant(_GRANTED, "fill:", ends=now + timedelta(days=365))
        plain.open_tables(members)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    return PointsLot.objects.order_by("pk").values_list("pk", flat=True)[0]


def _grant(points: int, source: str, *, ends) -> None:
    told = {"points": points, "source": source, "lots": plain.LOTS}
    with connection.cursor() as cursor:
        cursor.execute(_FILL, {**told, "ends": ends, "at": clock.now()})


def _prove() -> None:
    """Stop if entries, lots and balances are not equal everywhere (P2-e).

    The bare side writes no entry before it has the number, so its rows count, too.
    """
    found = verify_ledger().findings
    if found:
        sys.exit("\n".join(map(str, found[:5])))


# --- Spending, one by one -------------------------------------------------------------


def _spending(load: str, members: int, first_lot: int, seconds: int, turns: int) -> str:
    """Spend points of ``members`` with eight clients, all sides in turn."""
    asked = {"members": members, "seconds": seconds}
    waits: dict[str, list[float]] = {"django": [], "ours": []}
    runs = {
        "one statement, plain table (limit)": lambda: plain.pgbench(
            "one_statement", first_lot=first_lot, **asked
        ),
        "bare SQL, the same writes": lambda: plain.pgbench(
            "same_writes", first_lot=first_lot, **asked
        ),
        "Django F(), plain table": lambda: _by_clients(
            plain.django_f, waits["django"], **asked
        ),
        "ours: redeem_points": lambda: _by_clients(_redeem, waits["ours"], **asked),
    }
    with said(f"Spending of {load}, {turns} turns"):
        found = in_turn(runs, turns=turns)
    ours = found["ours: redeem_points"]
    rows = [
        [name, f"{median(rates):,.0f}", str(ratio(ours, rates))]
        for name, rates in found.items()
    ]
    slow = ratio(waits["ours"][1:], waits["django"][1:])
    made = table([f"spending, {load}", "a second", "ours is so many times"], rows)
    return f"{made}\n\n99 of 100 wait at most {slow} times as long as with Django F()."


def _redeem(member_id: int, nr: str) -> None:
    redeem_points(member_id=member_id, points=1, source=nr, now=clock.now())


def _by_clients(work: Work, waits: list[float], *, members: int, seconds: int) -> float:
    """Let eight processes work; return times a second, add the 99th of 100 waits."""
    connection.close()
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(plain.CLIENTS)
    told = context.Queue()
    clients = [
        context.Process(
            target=_client, args=(work, members, seconds, nr, barrier, told)
        )
        for nr in range(plain.CLIENTS)
    ]
    for client in clients:
        client.start()
    took = list(itertools.chain.from_iterable(told.get() for _client in clients))
    for client in clients:
        client.join()
    waits.append(quantiles(took, n=100)[98])
    return len(took) / seconds


def _client(
    work: Work, members: int, seconds: int, nr: int, barrier: Barrier, told
) -> None:
    drawn = random.Random(nr)  # noqa: S311
    run = f"bench:{os.getpid()}:{time.time_ns()}"
    for number in range(5):
        work(drawn.randint(1, members), f"{run}:warm:{number}")
    barrier.wait()
    took = []
    started = now = time.perf_counter()
    for number in itertools.count():
        before, member_id = now, drawn.randint(1, members)
        if before >= started + seconds:
            break
        work(member_id, f"{run}:{number}")
        now = time.perf_counter()
        took.append(now - before)
    told.put(took)


# --- In bulk, and reading -------------------------------------------------------------


def _expiring(members: int, turns: int) -> str:
    """Book the end of 10,000 lots at once, beside one by one and the bare batch."""
    yesterday = clock.now() - timedelta(days=1)
    for number in range(-(-2 * (turns + 1) * _CHUNK // (plain.LOTS * members))):
        _grant(_ENDING, f"ends:{number}:", ends=yesterday)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE loyalty_pointslot")

    def ours() -> float:
        started = time.perf_counter()
        booked = expire_lots(now=clock.now(), limit=_CHUNK)
        return booked / (time.perf_counter() - started)

    def one_by_one() -> float:
        started = time.perf_counter()
        for number in range(200):
            plain.django_f(number + 1, "")
        return 200 / (time.perf_counter() - started)

    runs = {
        "Django F(), one by one": one_by_one,
        "bare SQL, the same writes": lambda: plain.expire(_CHUNK),
        "ours: expire_lots": ours,
    }
    with said(f"Expiring, {turns} turns"):
        found = in_turn(runs, turns=turns)
    mine = found["ours: expire_lots"]
    rows = [
        [name, f"{median(rates):,.0f}", str(ratio(mine, rates))]
        for name, rates in found.items()
    ]
    return table([f"{_CHUNK:,d} lots end", "entries/s", "ours is so many times"], rows)


def _reading(turns: int) -> None:
    """Compare reading a balance behind few entries and behind very many (P2-d)."""
    busy = 1

    def reading(member_id: int) -> Callable[[], float]:
        def read() -> float:
            started = time.perf_counter()
            for _time in range(200):
                points_summary(member_id, clock.now())
            return time.perf_counter() - started

        return read

    found = in_turn({"busy": reading(busy), "quiet": reading(2)}, turns=turns)
    entries = PointsEntry.objects.filter(account_id=busy).count()
    started = time.perf_counter()
    _prove()
    proving = time.perf_counter() - started
    print(
        f"Reading a balance behind {entries:,d} entries takes "
        f"{ratio(found['busy'], found['quiet'])} times as long as behind "
        f"{PointsEntry.objects.filter(account_id=2).count():,d}. "
        f"Proving {PointsEntry.objects.count():,d} entries takes {proving:.1f} s."
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
