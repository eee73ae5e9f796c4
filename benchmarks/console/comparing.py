"""Fill the shop of the environment, open every page in turn, print the table."""

# isort: off
import django

django.setup()
# isort: on

import sys
import time
from collections.abc import Callable, Sequence
from html import unescape
from statistics import median

from django.db import connection

from benchmarks.console.cases import Case, Sql, cases
from benchmarks.console.filling import LOGIN, fill_shop
from benchmarks.console.pages import Opened, Pages
from benchmarks.measuring import in_turn, ratio, said, table

MOST_BYTES = 210 * 1024
HEADINGS = [
    *("page", "ours ms", "SQL ms", "queries", "HTML KB"),
    *("stock ms", "SQL ms", "queries", "limit ms"),
    *("stock / ours", "SQL of stock / ours", "our SQL / limit"),
]


def main(members: int, turns: int) -> None:
    """Measure with a crowd of ``members``, ``turns`` times each page."""
    with said(f"Filling in {members:,d} members"):
        fill_shop(members)
    compare(turns)


def compare(turns: int) -> None:
    """Open every page of the filled shop in turn and print the table."""
    wrong: list[str] = []
    rows = []
    with (
        said(f"Opening each page {turns} times in turn"),
        Pages("crm.settings", LOGIN) as ours,
        Pages("benchmarks.console.stock_settings", LOGIN) as stock,
    ):
        for case in cases():
            path = next_of(ours, case.reached_from) if case.reached_from else case.ours
            found = in_turn(
                {
                    "ours": ours.opener(path, case.rows),
                    "stock": stock.opener(case.stock, case.rows),
                    "limit": bare(case),
                },
                turns=turns,
            )
            wrong += wrong_rows(case, found)
            rows.append(line(case, **found))
    print(f"\n{table(HEADINGS, rows)}\n")
    if wrong:
        sys.exit("\n".join(wrong))


def next_of(ours: Pages, path: str) -> str:
    """Return where the link to the next page of a list leads."""
    (link,) = ours.opener(path, r'href="([^"]*)" rel="next"')().rows
    return path.split("?")[0] + unescape(link)


def bare(case: Case) -> Callable[[], Opened]:
    """Return a function that runs the least SQL that gives the rows of a page."""
    statements = [case.limit, *case.also]

    def run() -> Opened:
        with connection.connection.cursor() as cursor:
            started = time.perf_counter()
            answers = [
                cursor.execute(sql.text, sql.values).fetchall() for sql in statements
            ]
            ms = (time.perf_counter() - started) * 1000
        return Opened(ms, ms, len(statements), 0, [row[0] for row in answers[0]])

    return run


def wrong_rows(case: Case, found: dict[str, list[Opened]]) -> list[str]:
    """Return what a page shows that it should not: a quick wrong page is no page."""
    truth = asked(case.truth)
    assert truth, f"{case.name}: nobody is looked for."
    same = ["ours", "limit"] + ["stock"] * case.stock_finds_the_same
    wrong = [
        f"{case.name}, {who}: {opened.rows[:3]}… ({len(opened.rows)}), "
        f"not {truth[:3]}… ({len(truth)})"
        for who in same
        for opened in found[who][:1]
        if opened.rows != truth
    ]
    largest = max(opened.size for opened in found["ours"])
    if largest > MOST_BYTES:
        wrong.append(f"{case.name}: {largest:,d} bytes of HTML.")
    return wrong


def asked(sql: Sql) -> list[str]:
    """Return the first column of an answer."""
    with connection.cursor() as cursor:
        cursor.execute(sql.text, sql.values)
        return [row[0] for row in cursor.fetchall()]


def line(
    case: Case,
    *,
    ours: Sequence[Opened],
    stock: Sequence[Opened],
    limit: Sequence[Opened],
) -> list[str]:
    """Return one line of the table."""
    return [
        case.name,
        f"{median(page.ms for page in ours):.0f}",
        f"{median(page.sql_ms for page in ours):.1f}",
        str(ours[-1].statements),
        f"{ours[-1].size / 1024:.0f}",
        f"{median(page.ms for page in stock):.0f}",
        f"{median(page.sql_ms for page in stock):.1f}",
        str(stock[-1].statements),
        f"{median(page.ms for page in limit):.2f}",
        str(ratio([p.ms for p in stock], [p.ms for p in ours])),
        str(ratio([p.sql_ms for p in stock], [p.sql_ms for p in ours])),
        str(ratio([p.sql_ms for p in ours], [p.ms for p in limit])),
    ]


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
