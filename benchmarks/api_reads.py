"""Reads of the storefront API beside DRF, beside plain views and beside PostgreSQL.

``python -m benchmarks.api_reads [--rows 100000] [--turns 5] [--batch 20]`` fills a
throw-away shop with so many products and orders, reads lists and single ones through
the whole stack in turn, checks that every side gives the same, and prints three tables.
See ``benchmarks/README.md``. Nothing is asserted about time.
"""

from benchmarks.measuring import measure_in_shop

if __name__ == "__main__":
    measure_in_shop(
        "benchmarks.reads.comparing", __doc__, rows=100_000, turns=5, batch=20
    )
