"""Long work of the orders app, run by ``crm.shared.jobs``."""

import tempfile
from pathlib import Path
from shutil import copyfileobj
from typing import Any

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.utils.translation import gettext as _

from crm.shared.jobs import JobProgress
from orders.services.importing import (
    ImportSummary,
    import_orders,
    issues_of,
)
from orders.services.importing_report import write_report


def run_order_import(progress: JobProgress) -> dict[str, Any]:
    """Bring in an uploaded file; the job's kind is ``orders.import``.

    Params: ``profile``, ``file`` (a name in default storage), and optionally
    ``file_name`` (as people know it) and ``currency``. The batch keeps its own cursor,
    so a job that is taken up again goes on where it was. ``files["report"]`` of the
    job names the error file when it is done.

    Returns:
        Rows read, stored and reported, and what they became.
    """
    stored_name = progress.params["file"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(stored_name).name
        with default_storage.open(stored_name) as upload, path.open("wb") as copy:
            copyfileobj(upload, copy)
        summary = import_orders(
            path=path,
            profile=progress.params["profile"],
            currency=progress.params.get("currency", ""),
            file_name=progress.params.get("file_name", ""),
            now=progress.asked_at,
            progress=progress,
        )
        report = _store_report(progress, summary, Path(folder) / "report.csv")
    if summary.is_repeat:
        progress.log(_("This file was already imported: 0 changes."))
    progress.advance(files={**progress.files, "report": report})
    return {
        "is_repeat": summary.is_repeat,
        "rows_read": summary.rows_read,
        "rows_stored": summary.rows_stored,
        "rows_reported": summary.rows_reported,
        **summary.counts,
    }


def _store_report(progress: JobProgress, summary: ImportSummary, path: Path) -> str:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        write_report(issues_of(summary.batch_id), file=file)
    name = f"imports/{progress.public_id}/report.csv"
    with path.open("rb") as file:
        # A job that is run again replaces what its first run left.
        default_storage.delete(name)
        return default_storage.save(name, File(file))
