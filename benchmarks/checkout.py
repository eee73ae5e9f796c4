"""Quote and checkout at 1 to 1,000 live offers beside the bare SQL of the same writes.

``python -m benchmarks.checkout [--turns 5] [--batch 10]`` fills a throw-away shop,
prices and orders carts of 1, 5 and 20 lines in turn with hand-written SQL that already
knows what to write, compares what stands in the books, and prints one table.
See ``benchmarks/README.md``. Nothing is asserted about time.
"""

from benchmarks.measuring import measure_in_shop

if __name__ == "__main__":
    measure_in_shop("benchmarks.orders.comparing", __doc__, turns=5, batch=10)
