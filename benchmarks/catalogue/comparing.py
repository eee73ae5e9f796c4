"""Fill the shop of the environment, ask every question in turn, print the table."""

# isort: off
import django

django.setup()
# isort: on

import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from statistics import median

from django.db import connection
from django.db.models import Q

from benchmarks.catalogue.by_hand import ALL_COMPARED, BARE
from benchmarks.catalogue.shelf import RARE, fill
from benchmarks.measuring import in_turn, ratio, said, table
from orders.models import Product
from orders.queries.catalogue import Wanted, best_first, listed_products
from orders.rules.search_words import search_for

ROWS = 21
#: What is asked, and whether ``icontains`` could find the same.
QUESTIONS = {
    "one of all, in Chinese": (RARE[0], True),
    "its middle, two characters": ("青瓷", True),
    "in English": ("celadon", True),
    "its pinyin": ("longquanqingci", False),
    "the initials": ("lqqc", False),
    "a whole SKU": ("SH-000777", True),
    "a brand": ("Brand007", True),
    "one in ten": ("苔绿", True),
    "a category (one in 40)": ("Shelf7", False),
    "two words": ("linen bowl", False),
    "how all SKUs begin": ("SH", False),
    "nothing": ("nothinglikethis", True),
}
HEADINGS = [
    *("question", "rows", "ours ms", "all ms", "icontains ms", "bare SQL ms"),
    *("icontains / ours", "all / ours", "ours / bare SQL"),
]


def main(products: int, turns: int) -> None:
    """Measure with a shelf of so many ``products``, each question ``turns`` times."""
    with said(f"Filling in {products:,d} products"):
        fill(products=products)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    rows, wrong = [], []
    with said(f"Asking each question {turns} times in turn"):
        for question, (text, is_fair) in QUESTIONS.items():
            found = in_turn(
                {
                    "ours": timed(lambda text=text: ours(text)),
                    "all": timed(lambda text=text: all_compared(text)),
                    "stock": timed(lambda text=text: icontains(text)),
                    "limit": timed(lambda text=text: bare(text)),
                },
                turns=turns,
            )
            answers = {side: runs[0][1] for side, runs in found.items()}
            if answers["ours"] != answers["all"] or (
                is_fair and set(answers["ours"]) != set(answers["stock"])
            ):
                wrong.append(f"{question}: the sides found different rows.")
            ms = {side: [run[0] for run in runs] for side, runs in found.items()}
            rows.append(
                [
                    question,
                    str(len(answers["ours"])),
                    *(f"{median(each):.1f}" for each in ms.values()),
                    str(ratio(ms["stock"], ms["ours"])),
                    str(ratio(ms["all"], ms["ours"])),
                    str(ratio(ms["ours"], ms["limit"])),
                ]
            )
    print(f"\n{table(HEADINGS, rows)}\n")
    if wrong:
        sys.exit("\n".join(wrong))


def timed(ask: Callable[[], Iterable[int]]) -> Callable[[], tuple[float, list[int]]]:
    """Return a function that asks and says how many milliseconds it took."""

    def run() -> tuple[float, list[int]]:
        started = time.perf_counter()
        found = list(ask())
        return (time.perf_counter() - started) * 1000, found

    return run


def ours(text: str) -> list[int]:
    """Ask as the storefront does, with all that stands beside products."""
    products = listed_products(Wanted(), at=datetime.now(UTC))
    found: list[int] = []
    for part in best_first(products, text):
        page = part.page(("-created_at", "-id"), (), ROWS - len(found))
        found += [product.id for product in page]
        if len(found) == ROWS:
            break
    return found


def all_compared(text: str) -> list[int]:
    """Give every product that is found a place, then sort them."""
    asked = search_for(text)
    assert asked is not None
    with connection.connection.cursor() as cursor:
        found = cursor.execute(ALL_COMPARED, {**asdict(asked), "most": ROWS})
        return [row[0] for row in found.fetchall()]


def icontains(text: str) -> list[int]:
    """Ask as a team without an index of words would."""
    fields = ("name", "name_en", "variants__sku", "brand__name", "brand__name_en")
    wanted = Q()
    for field in (*fields, "category__name", "category__name_en"):
        wanted |= Q(**{f"{field}__icontains": text})
    products = Product.objects.filter(wanted, is_listed=True).distinct()
    products = products.select_related("category", "brand")
    return [p.pk for p in products.order_by("-created_at", "-id")[:ROWS]]


def bare(text: str) -> list[int]:
    """Ask the index by hand, without ranks, channels or objects."""
    asked = search_for(text)
    assert asked is not None
    with connection.connection.cursor() as cursor:
        return [row[0] for row in cursor.execute(BARE, [asked.anywhere]).fetchall()]


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
