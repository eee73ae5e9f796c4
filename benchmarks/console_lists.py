"""Console pages beside Django's stock admin and beside the bare SQL of their rows.

``python -m benchmarks.console_lists [--members 100000] [--turns 5]`` fills a
throw-away shop (three entries of points and two orders a member), opens every page
in turn, A B C A B C, checks that each shows the right rows, and prints one table.
See ``benchmarks/README.md``. Nothing is asserted about time.
"""

from benchmarks.measuring import measure_in_shop

if __name__ == "__main__":
    measure_in_shop("benchmarks.console.comparing", __doc__, members=100_000, turns=5)
