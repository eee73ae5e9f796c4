"""Product search beside ``icontains`` and beside the bare SQL of its rows.

``python -m benchmarks.catalogue_search [--products 100000] [--turns 5]`` fills a
throw-away shop, asks every question in turn, A B C A B C, checks that each side finds
what it should, and prints one table. See ``benchmarks/README.md``. Nothing is asserted
about time.
"""

from benchmarks.measuring import measure_in_shop

if __name__ == "__main__":
    measure_in_shop(
        "benchmarks.catalogue.comparing", __doc__, products=100_000, turns=5
    )
