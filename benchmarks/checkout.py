"""Quote and checkout at 1 to 1,000 live offers beside the bare SQL of the same writes.

``python benchmarks/checkout.py [--turns 5] [--batch 10]`` fills a throw-away shop,
prices and orders carts of 1, 5 and 20 lines in turn with hand-written SQL that already
knows what to write, compares what stands in the books, and prints one table.
See ``benchmarks/README.md``. Nothing is asserted about time.
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
    arguments.add_argument("--turns", type=int, default=5)
    arguments.add_argument("--batch", type=int, default=10)
    wanted = arguments.parse_args()
    started = time.perf_counter()
    with throw_away_shop():
        # A process of its own: Django reads its settings when it is imported.
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.orders.comparing"]
            + [str(wanted.turns), str(wanted.batch)],
            cwd=ROOT,
            check=False,
        )
    print(f"{machine()}; {time.perf_counter() - started:.0f} s in all.")
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
