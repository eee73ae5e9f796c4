"""Product search beside ``icontains`` and beside the bare SQL of its rows.

``python benchmarks/catalogue_search.py [--products 100000] [--turns 5]`` fills a
throw-away shop, asks every question in turn, A B C A B C, checks that each side finds
what it should, and prints one table. See ``benchmarks/README.md``. Nothing is asserted
about time.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from benchmarks.measuring import machine, throw_away_shop  # noqa: E402


def main() -> None:
    """Start a shop, let it be filled and measured, throw it away."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--products", type=int, default=100_000)
    arguments.add_argument("--turns", type=int, default=5)
    wanted = arguments.parse_args()
    started = time.perf_counter()
    with throw_away_shop():
        # A process of its own: Django reads its settings when it is imported.
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.catalogue.comparing"]
            + [str(wanted.products), str(wanted.turns)],
            cwd=ROOT,
            check=False,
        )
    print(f"{machine()}; {time.perf_counter() - started:.0f} s in all.")
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
