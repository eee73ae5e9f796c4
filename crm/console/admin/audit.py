"""The audit trail, to read."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter

from crm.shared.models import AuditEntry
from crm.shared.staff_lists import LedgerAdmin


@admin.register(AuditEntry)
class AuditEntryAdmin(LedgerAdmin):
    """Who did what, newest first."""

    when_empty = _(
        "Whatever staff and programs change leaves an entry here that nobody can alter."
    )
    list_display = ["at", "actor", "action", "object_type", "object_id", "reason"]
    list_filter = [("at", RangeDateTimeFilter)]
    search_fields = ["=object_id", "=action", "=actor"]
    ordering = ["-at", "-id"]

    def read(self, name):
        """Leave every column as it was written: whoever searches it needs that."""
        return name
