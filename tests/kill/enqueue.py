"""Run inside a house under test: uploads a file and asks for its import.

Usage: ``enqueue.py FILE``. Prints the job's public id.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import django  # noqa: E402

django.setup()

from django.core.files.base import File  # noqa: E402
from django.core.files.storage import default_storage  # noqa: E402

from crm.shared.jobs import enqueue  # noqa: E402


def main(path: Path) -> None:
    """Store the file, then enqueue the job."""
    with path.open("rb") as file:
        name = default_storage.save(path.name, File(file))
    job = enqueue(
        kind="orders.import",
        params={"profile": "online-retail", "file": name},
        owner=None,
        now=datetime.now(UTC),
    )
    print(job.public_id)


main(Path(sys.argv[1]))
