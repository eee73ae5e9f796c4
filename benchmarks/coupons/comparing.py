"""Make, use and read codes in the shop of the environment, and print the tables."""

# isort: off
import django

django.setup()
# isort: on

import itertools
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from statistics import median

from django.db import connection, transaction

from benchmarks.coupons import plain
from benchmarks.measuring import in_turn, ratio, said, table
from campaigns.models import CouponBatch, CouponCode, CouponTemplate
from campaigns.services import redeeming
from campaigns.services.coding import CHUNK, make_chunk, order_codes, read_codes
from crm.shared import clock
from crm.shared.jobs import run_job
from members.models import User

CLIENTS, USES = 8, 400
#: One guarded statement on the peers' table: nothing can use a code with less.
_BARE_USE = """
UPDATE benchmarks_plaincode SET state = 'taken'
 WHERE code = %(code)s AND state = 'free' RETURNING batch
"""


def main(codes: int, turns: int) -> None:
    """Measure ``codes`` codes, each side ``turns`` times."""
    plain.open_tables()
    shop = Shop(codes)
    with said(f"Making {codes:,d} codes {turns} times in turn"):
        made = in_turn(
            {
                "get_or_create in a loop": lambda: plain.get_or_create(codes),
                "bulk_create, quick codes": lambda: plain.bulk_create(codes),
                "bare COPY, plain table (limit)": lambda: plain.bare_copy(codes),
                "ours: job, progress, audit": shop.make,
            },
            turns=turns,
        )
    ours = made["ours: job, progress, audit"]
    rows = [
        [name, f"{median(rates):,.0f}", f"{1e6 / median(rates):.1f}"]
        + [str(ratio(ours, rates))]
        for name, rates in made.items()
    ]
    headings = ["making codes", "codes/s", "1,000,000 in s", "ours is so many times"]
    print(f"\n{table(headings, rows)}\n")
    shop.check()
    tell_collisions(turns)
    _uses(shop, turns)
    _reading(shop, turns)


class Shop:
    """A template, somebody who asks for codes, and batches."""

    def __init__(self, codes: int) -> None:
        self.codes = codes
        self.dana = User.objects.create_user("dana", password="x" * 12, is_staff=True)
        self.template = CouponTemplate.objects.create(
            code="bench",
            name="券",
            state="live",
            kind="amount",
            amount_minor=100,
            starts_at=clock.now(),
        )

    def make(self) -> float:
        """Order a batch and run its job; return codes a second."""

        def work() -> None:
            batch = order_codes(
                template_id=self.template.pk,
                prefix="VP",
                count=self.codes,
                actor=self.dana,
                now=clock.now(),
            )
            assert batch.job_id is not None
            run_job(batch.job_id)

        return plain.rate(self.codes, work)

    def check(self) -> None:
        """Stop if a batch has more or fewer codes than were wanted."""
        for batch in CouponBatch.objects.all():
            found = CouponCode.objects.filter(batch=batch).count()
            if not batch.made == batch.wanted == found:
                sys.exit(f"{batch}: wanted {batch.wanted}, found {found}.")

    def unused(self) -> list[str]:
        """Return codes nobody used."""
        free = CouponCode.objects.filter(state="free").values_list("pk", flat=True)
        return list(free[: CLIENTS * USES])


def tell_collisions(turns: int) -> None:
    """Say what a chunk costs beside all codes there are, as beside none.

    As many, as sorted, by a bare COPY into the very same table say what of that is the
    tree's: the more codes begin alike, the more of its pages a chunk of them touches.
    """
    template = CouponTemplate.objects.get(code="bench")
    asked_by = User.objects.get(username="dana")

    def chunk() -> float:
        batch = CouponBatch.objects.create(
            template=template,
            prefix="VP",
            wanted=CHUNK,
            asked_by=asked_by,
            asked_at=clock.now(),
        )

        def work() -> None:
            with transaction.atomic():
                make_chunk(batch_id=batch.pk)

        return plain.rate(CHUNK, work)

    sides = {
        "ours": chunk,
        "bare COPY, same prefix": lambda: plain.copy_into_ours("VP", CHUNK),
        "bare COPY, another": lambda: plain.copy_into_ours("AD", CHUNK),
    }
    there = CouponCode.objects.count()
    beside_many = in_turn(sides, turns=turns)
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE campaigns_couponcode")
    beside_none = in_turn(sides, turns=turns)
    rows = [
        [
            name,
            f"{median(beside_many[name]):,.0f}",
            f"{median(beside_none[name]):,.0f}",
            str(ratio(beside_none[name], beside_many[name])),
            str(ratio(beside_many["ours"], beside_many[name])),
        ]
        for name in sides
    ]
    headings = [f"a chunk of {CHUNK:,d}", f"codes/s beside {there:,d}", "beside none"]
    headings += ["takes so many times as long", "ours is so many times, beside many"]
    print(f"{table(headings, rows)}\n")


def _uses(shop: Shop, turns: int) -> None:
    """Compare using a code with one bare guarded statement, by eight clients."""
    shop.make()

    def bare_codes() -> list[str]:
        rows = plain.PlainCode.objects.filter(state="free")
        return list(rows.values_list("code", flat=True)[: CLIENTS * USES])

    sides = {
        "ours": lambda: _by_clients(redeeming._TAKE, shop.unused()),
        "bare": lambda: _by_clients(_BARE_USE, bare_codes()),
    }
    found = in_turn(sides, turns=turns)
    print(
        f"Using codes by {CLIENTS} clients: ours {median(found['ours']):,.0f}/s, one "
        f"bare statement {median(found['bare']):,.0f}/s; ours is "
        f"{ratio(found['ours'], found['bare'])} times.\n"
    )


def _by_clients(statement: str, codes: list[str]) -> float:
    """Use each code once and try it once more; return uses a second."""
    taken = itertools.count()

    def client(mine: list[str]) -> None:
        try:
            for code in mine:
                with connection.cursor() as cursor:
                    cursor.execute(statement, {"code": code})
                    if cursor.fetchone():
                        next(taken)
        finally:
            connection.close()

    parts = [codes[number::CLIENTS] for number in range(CLIENTS)]
    threads = [threading.Thread(target=client, args=[part]) for part in parts]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    if next(taken) != len(codes):
        sys.exit("A code was used twice, or not at all.")
    return len(codes) / seconds


def _reading(shop: Shop, turns: int) -> None:
    """Compare the download with the bare COPY, and say what memory it takes."""
    batch = CouponBatch.objects.filter(wanted=shop.codes).latest("id")

    def bare() -> Iterator[bytes]:
        with connection.cursor() as cursor:
            command = "COPY (SELECT code FROM campaigns_couponcode) TO STDOUT"
            with cursor.copy(command) as copy:
                yield from map(bytes, copy)

    def seconds(read: Callable[[], Iterator[bytes]]) -> float:
        started = time.perf_counter()
        for _block in read():
            pass
        return time.perf_counter() - started

    with connection.cursor() as cursor:
        # The same rows on both sides.
        cursor.execute(
            "DELETE FROM campaigns_couponcode WHERE batch_id <> %s", [batch.pk]
        )
        cursor.execute("VACUUM ANALYZE campaigns_couponcode")
    found = in_turn(
        {
            "ours": lambda: seconds(lambda: read_codes(batch_id=batch.pk)),
            "bare": lambda: seconds(bare),
        },
        turns=turns,
    )
    tracemalloc.start()
    seconds(lambda: read_codes(batch_id=batch.pk))
    _now, most = tracemalloc.get_traced_memory()
    print(
        f"Reading {shop.codes:,d} codes takes {median(found['ours']):.2f} s, "
        f"{ratio(found['ours'], found['bare'])} times the bare COPY, and at most "
        f"{most / 1024:,.0f} kB of memory.\n"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
