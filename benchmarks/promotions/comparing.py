"""Price in turn by every side, compare what they say, print the tables."""

import os
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

import psycopg

from benchmarks.measuring import in_turn, ratio, said, table
from benchmarks.promotions import ours
from benchmarks.promotions.deals import (
    ALL,
    COMMON,
    Deal,
    Kind,
    cart,
    catalogue,
    code_of,
    deals,
    matching,
)
from benchmarks.promotions.limit import Limit, Row, one_a_unit, stacked
from benchmarks.promotions.oscar_peer import Peer, peer
from campaigns.rules.index import Indexed, OfferIndex
from crm.runner.web import when_ready

OFFERS = (1, 10, 100, 1_000, 10_000)
LINES = (5, 20, 100)
#: A measured run takes at least so long, so that the clock is fine enough.
_LEAST_SECONDS = 0.02
_LOAD = """
SELECT product.number, line.quantity, product.leaf, product.price_minor
FROM bench_line line JOIN bench_product product ON product.number = line.product
WHERE line.cart = %s ORDER BY line.id
"""
BOTH = (
    *("offers", "match", "lines", "ours ms", "limit ms", "ours / limit"),
    "with the cart's SQL",
)
_PEER = ("oscar ms", "statements", "oscar / ours", "totals: limit, oscar")


@dataclass(frozen=True, slots=True)
class Book:
    """Deals that are on, as each side keeps them."""

    deals: list[Deal]
    code: str
    index: OfferIndex
    limit: Limit
    #: How the limit prices by the rule of the book.
    rule: Callable[[Limit, Sequence[Row], str], int]

    @classmethod
    def of(
        cls,
        count: int,
        kinds: Sequence[Kind],
        *,
        is_wide: bool,
        is_one_a_unit: bool = False,
    ) -> "Book":
        """Compile so many deals, by the shop's rules or by those of the peer."""
        some = deals(count, kinds, is_wide=is_wide)
        code = code_of(some)
        policies = ours.ONE_OFFER_A_UNIT if is_one_a_unit else ours.SHOP
        rule = one_a_unit if is_one_a_unit else stacked
        index = ours.index_of(some, code, policies)
        return cls(some, code, index, Limit(some), rule)

    def by_ours(self, rows: Sequence[Row]) -> int:
        """Return the total of a cart, with everything a quote says besides."""
        request = ours.request_of(rows, self.code)
        return ours.price(self.index, request).total_minor

    def by_limit(self, rows: Sequence[Row]) -> int:
        """Return the total of a cart."""
        return self.rule(self.limit, rows, self.code)


def main(turns: int, offers: int, oscar: int) -> None:
    """Measure every number of offers and lines up to ``offers``."""
    url = os.environ["DATABASE_URL"]
    counts = [count for count in OFFERS if count <= offers]
    with psycopg.connect(url, autocommit=True) as connection, peer(url) as other:
        _fill(connection)
        # As the web server does before it serves, for both of them.
        when_ready(server=None)
        for is_wide in (False, True):
            which = "many match" if is_wide else "few match"
            rows = []
            for count in counts:
                with said(f"{which}, {count} offers, a unit serves one"):
                    book = Book.of(count, COMMON, is_wide=is_wide, is_one_a_unit=True)
                    if other and count * min(LINES) <= oscar:
                        _put_on(other, book, COMMON, is_wide=is_wide)
                    rows += [
                        beside_limit(connection, book, lines, turns)
                        + _beside_peer(
                            other if count * lines <= oscar else None,
                            *(book, lines, turns),
                        )
                        for lines in LINES
                    ]
            print(f"\n{which}:\n\n{table([*BOTH, *_PEER], rows)}\n")
            rows = []
            for count in counts:
                with said(f"{which}, {count} offers, the shop's rules"):
                    book = Book.of(count, ALL, is_wide=is_wide)
                    rows += [
                        beside_limit(connection, book, lines, turns) for lines in LINES
                    ]
            print(f"\n{which}, the shop's:\n\n{table(BOTH, rows)}\n")
        if other:
            _tell_agreement(other)
    _tell_growth(turns)
    tell_compiling(max(counts), turns)


def _put_on(other: Peer, book: Book, kinds: Sequence[Kind], *, is_wide: bool) -> None:
    other.asked(deals=len(book.deals), kinds=kinds, is_wide=is_wide, code=book.code)


def _tell_agreement(other: Peer) -> None:
    """Print for each kind by itself whether the peer says what we say."""
    rows = []
    for kind in COMMON:
        book = Book.of(20, (kind,), is_wide=True, is_one_a_unit=True)
        _put_on(other, book, (kind,), is_wide=True)
        row = [kind]
        for lines in LINES[:2]:
            total = book.by_ours(rows_of(lines))
            answer = other.asked(lines=lines)
            row.append(_difference(int(answer["total_minor"]), total))
        rows.append(row)
    headings = ["20 offers of a kind", *(f"{lines} lines" for lines in LINES[:2])]
    print(f"oscar's totals beside ours:\n\n{table(headings, rows)}\n")


def _fill(connection: psycopg.Connection) -> None:
    """Store the catalogue and the carts."""
    connection.execute(
        "CREATE TABLE bench_product (number int PRIMARY KEY, leaf int, price_minor int)"
    )
    connection.execute(
        "CREATE TABLE bench_line (id serial PRIMARY KEY, cart int, product int,"
        " quantity int)"
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO bench_product VALUES (%s, %s, %s)",
            [(each.number, each.leaf, each.price_minor) for each in catalogue()],
        )
        cursor.executemany(
            "INSERT INTO bench_line (cart, product, quantity) VALUES (%s, %s, %s)",
            [(lines, *each) for lines in LINES for each in cart(lines)],
        )
    connection.execute("CREATE INDEX ON bench_line (cart)")
    connection.execute("ANALYZE")


def rows_of(lines: int) -> list[Row]:
    """Return a cart as it is read."""
    goods = catalogue()
    return [
        (number, quantity, goods[number].leaf, goods[number].price_minor)
        for number, quantity in cart(lines)
    ]


def beside_limit(
    connection: psycopg.Connection,
    book: Book,
    lines: int,
    turns: int,
) -> list[str]:
    """Return one line of a table: ours beside the limit.

    Raises:
        SystemExit: the totals differ by the shop's rules.
    """
    rows = rows_of(lines)
    if book.rule is stacked and book.by_ours(rows) != book.by_limit(rows):
        sys.exit(f"{len(book.deals)} offers, {lines} lines: the totals differ.")
    products = [catalogue()[number] for number, *_more in rows]

    def loaded(price: Callable[[Sequence[Row]], int]) -> Callable[[], int]:
        return lambda: price(connection.execute(_LOAD, (lines,)).fetchall())

    found = in_turn(
        {
            "ours": repeated(partial(book.by_ours, rows), time.process_time),
            "limit": repeated(partial(book.by_limit, rows), time.process_time),
            "ours, read": repeated(loaded(book.by_ours), time.perf_counter),
            "limit, read": repeated(loaded(book.by_limit), time.perf_counter),
        },
        turns=turns,
    )
    return [
        str(len(book.deals)),
        str(matching(book.deals, products, book.code)),
        str(lines),
        f"{median(found['ours']) * 1000:.2f}",
        f"{median(found['limit']) * 1000:.3f}",
        str(ratio(found["ours"], found["limit"])),
        str(ratio(found["ours, read"], found["limit, read"])),
    ]


def _beside_peer(other: Peer | None, book: Book, lines: int, turns: int) -> list[str]:
    """Return the rest of a line: the peer beside ours, and whether totals agree."""
    rows = rows_of(lines)
    total = book.by_ours(rows)
    agrees = [_difference(book.by_limit(rows), total)]
    if other is None:
        return ["", "", "", *agrees]
    answers: list[dict[str, float]] = []

    def asked() -> float:
        answers.append(other.asked(lines=lines))
        return answers[-1]["seconds"]

    found = in_turn(
        {
            "oscar": asked,
            "ours": repeated(partial(book.by_ours, rows), time.perf_counter),
        },
        turns=turns,
    )
    agrees.append(_difference(int(answers[-1]["total_minor"]), total))
    return [
        f"{median(found['oscar']) * 1000:.1f}",
        str(answers[-1]["statements"]),
        str(ratio(found["oscar"], found["ours"])),
        ", ".join(agrees),
    ]


def _difference(total: int, ours_total: int) -> str:
    return "same" if total == ours_total else f"{total / ours_total - 1:+.2%}"


def repeated(
    work: Callable[[], object], clock: Callable[[], float]
) -> Callable[[], float]:
    """Return a function that does the work often enough and says what one took."""
    started = clock()
    work()
    times = max(1, int(_LEAST_SECONDS / max(clock() - started, 1e-6)))

    def run() -> float:
        started = clock()
        for _time in range(times):
            work()
        return (clock() - started) / times

    return run


def _tell_growth(turns: int) -> None:
    """Print what offers that cannot match cost (at most 1.2 times, P1-c)."""
    rows = rows_of(20)
    products = [catalogue()[number] for number, *_more in rows]
    near, far = [], []
    for deal in deals(20_000, COMMON, is_wide=False):
        (near if matching([deal], products, "") else far).append(deal)
    near = near[:20]
    request = ours.request_of(rows, "")
    few, many = (
        ours.index_of([*near, *far[: count - len(near)]], "") for count in (100, 10_000)
    )
    found = in_turn(
        {
            "few": repeated(partial(ours.price, few, request), time.process_time),
            "many": repeated(partial(ours.price, many, request), time.process_time),
        },
        turns=max(turns, 5),
    )
    print(
        f"20 that match among 10,000 cost {ratio(found['many'], found['few'])} times"
        " as much as the same among 100."
    )


def tell_compiling(count: int, turns: int) -> None:
    """Print what making offers into an index costs, in time and memory.

    The limit has its deals in memory and files them (P1-d); so do we with offers that
    are made. To make their values comes to it once, when a process begins.
    """
    some = deals(count, ALL, is_wide=False)
    entries = ours.index_of(some, "").entries
    offers = [each.offer for each in entries]
    found = in_turn(
        {
            "made": repeated(partial(ours.index_of, some, ""), time.process_time),
            "ours": repeated(
                lambda: OfferIndex.of(Indexed(each) for each in offers),
                time.process_time,
            ),
            "changed": repeated(partial(OfferIndex.of, entries), time.process_time),
            "limit": repeated(partial(Limit, some), time.process_time),
        },
        turns=turns,
    )
    tracemalloc.start()
    kept = ours.index_of(some, "")
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    print(
        f"{len(kept.entries)} offers are compiled in {median(found['ours']):.3f} s"
        f" ({ratio(found['ours'], found['limit'])} times the limit), with making them"
        f" {median(found['made']):.3f} s"
        f" ({ratio(found['made'], found['limit'])} times),"
        f" and keep {size / 1e6:.1f} MB. After a change of one of them the others stay"
        f" compiled: {median(found['changed']):.3f} s"
        f" ({ratio(found['changed'], found['limit'])} times).\n"
    )


if __name__ == "__main__":
    main(*(int(each) for each in sys.argv[1:4]))
