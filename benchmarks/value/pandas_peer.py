"""The peer: RFM of a CSV file of orders by pandas, told as JSON.

Runs in an environment of its own (``pandas_requirements.txt``): ``FILE DAY TURNS``.
"""

import json
import sys
import time

import pandas as pd


def grid(file: str, day: str) -> list[list[int]]:
    """Return recency, worth and buyers of every cell, as ours has them."""
    orders = pd.read_csv(file, parse_dates=["day"])
    by = orders.groupby("member_id").agg(
        last=("day", "max"), orders=("day", "size"), money=("minor", "sum")
    )
    days = (pd.Timestamp(day) - by["last"]).dt.days

    def score(values: pd.Series) -> pd.Series:
        at = [-(-len(values) * n // 5) - 1 for n in range(1, 5)]
        return 1 + values.sort_values().iloc[at].searchsorted(values, side="left")

    worth = (score(by["orders"]) + score(by["money"]) + 1) // 2
    cells = pd.DataFrame({"r": 6 - score(days), "w": worth}).groupby(["r", "w"]).size()
    return [[int(r), int(w), int(n)] for (r, w), n in cells.items()]


if __name__ == "__main__":
    seconds = []
    for _turn in range(int(sys.argv[3]) + 1):
        started = time.perf_counter()
        found = grid(sys.argv[1], sys.argv[2])
        seconds.append(time.perf_counter() - started)
    # The first run is not counted.
    print(json.dumps({"seconds": seconds[1:], "grid": found}))
