"""Postings of the points ledger by eight clients, beside Django's F() and bare SQL.

``python -m benchmarks.points_ledger [--members 20000] [--seconds 5] [--turns 3]`` fills
a throw-away shop whose server flushes every commit, spends points of random members and
of one, expires lots in bulk, proves the books after each part and prints the tables.
See ``benchmarks/README.md``. Nothing is asserted about time.
"""

from benchmarks.measuring import measure_in_shop

if __name__ == "__main__":
    measure_in_shop(
        "benchmarks.points.comparing",
        __doc__,
        durable=True,
        members=20_000,
        seconds=5,
        turns=3,
    )
