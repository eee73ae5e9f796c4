"""Scores of all buyers from all orders, beside pandas and beside the bare SQL.

``python -m benchmarks.member_value [--members 20000] [--orders 200000] [--turns 3]``
fills a throw-away shop, scores every buyer as the night does, in turn with one bare
statement and, where ``PANDAS_PYTHON`` names an interpreter that has
``benchmarks/value/pandas_requirements.txt``, with pandas on a ready-made file. The
cells of the three grids must be equal. Nothing is asserted about time.
"""

from benchmarks.measuring import measure_in_shop

if __name__ == "__main__":
    measure_in_shop(
        "benchmarks.value.comparing", __doc__, members=20_000, orders=200_000, turns=3
    )
