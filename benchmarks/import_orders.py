"""Time the import of the real file on a fresh database.

``python benchmarks/import_orders.py [FILE]`` starts an embedded PostgreSQL in a
temporary folder (durable, as in a shop), imports, repeats, and prints one JSON line:
seconds, rows per second and the most memory the importing process held.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from crm.runner import postgres  # noqa: E402

SHARED = Path(os.environ.get("REGULARS_DATA", ROOT.parent / "shared" / "data"))


def main() -> None:
    """Measure and print."""
    default = SHARED / "online_retail" / "online_retail.csv.gz"
    path = Path(sys.argv[1] if len(sys.argv) > 1 else default).resolve()
    if not path.exists():
        sys.exit(f"{path} is not there; set REGULARS_DATA or name a file.")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        os.environ |= {
            "CRM_ENVIRONMENT": "test",
            "CRM_DATA_DIR": folder,
            "DATABASE_URL": postgres.start(data),
        }
        try:
            _manage("migrate", "--verbosity", "0")
            found = {"file": path.name} | _measured(path)
            found["repeat_seconds"] = _measured(path)["seconds"]
        finally:
            postgres.stop(data)
    print(json.dumps(found))


def _measured(path: Path) -> dict[str, float]:
    started = time.monotonic()
    said = _manage("import_orders", str(path), "--profile", "online-retail")
    rows = int(re.search(r"([0-9]+) rows read", said)[1])
    seconds, megabytes = re.search(r"([0-9.]+) s, at most ([0-9]+) MB", said).groups()
    return {
        "rows": rows,
        "seconds": float(seconds),
        "seconds_with_start": round(time.monotonic() - started, 1),
        "rows_per_second": round(rows / max(float(seconds), 0.1)),
        "peak_megabytes": int(megabytes),
    }


def _manage(*args: str) -> str:
    command = [sys.executable, "manage.py", *args]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


if __name__ == "__main__":
    main()
