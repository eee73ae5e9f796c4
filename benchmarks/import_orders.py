"""Time the import of the real file on a fresh database.

``python -m benchmarks.import_orders [FILE]`` starts an embedded PostgreSQL in a
temporary folder (durable, as in a shop), imports, repeats, and prints one JSON line:
seconds, rows per second and the most memory the importing process held.
"""

import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measuring import ROOT, manage
from crm.runner import postgres

SHARED = Path(os.environ.get("REGULARS_DATA", ROOT.parent / "shared" / "data"))


def main() -> None:
    """Measure and print."""
    default = SHARED / "online_retail" / "online_retail.csv.gz"
    path = Path(sys.argv[1] if len(sys.argv) > 1 else default).resolve()
    if not path.exists():
        print(f"Skipped: {path} is not there; set REGULARS_DATA or name a file.")
        return
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        os.environ |= {
            "CRM_ENVIRONMENT": "test",
            "CRM_DATA_DIR": folder,
            "DATABASE_URL": postgres.start(data),
        }
        try:
            manage("migrate", "--verbosity", "0")
            found = {"file": path.name} | _measured(path)
            found["repeat_seconds"] = _measured(path)["seconds"]
        finally:
            postgres.stop(data)
    print(json.dumps(found))


def _measured(path: Path) -> dict[str, float]:
    started = time.monotonic()
    said = manage("import_orders", str(path), "--profile", "online-retail")
    rows = int(re.search(r"([0-9]+) rows read", said)[1])
    seconds, megabytes = re.search(r"([0-9.]+) s, at most ([0-9]+) MB", said).groups()
    return {
        "rows": rows,
        "seconds": float(seconds),
        "seconds_with_start": round(time.monotonic() - started, 1),
        "rows_per_second": round(rows / max(float(seconds), 0.1)),
        "peak_megabytes": int(megabytes),
    }


if __name__ == "__main__":
    main()
