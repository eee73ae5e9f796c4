"""Files that were brought in."""

from django.contrib import admin

from crm.shared.staff_lists import LedgerAdmin
from orders.models import ImportBatch


@admin.register(ImportBatch)
class ImportBatchAdmin(LedgerAdmin):
    """One row per file content."""

    list_display = [
        "file_name",
        "profile",
        "state",
        "rows_read",
        "rows_stored",
        "rows_reported",
        "started_at",
        "finished_at",
    ]
    fields = [*list_display, "sha256"]
    ordering = ["-id"]
