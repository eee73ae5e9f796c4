"""The audit trail, to read."""

from django.contrib import admin
from unfold.contrib.filters.admin import RangeDateTimeFilter

from crm.shared.models import AuditEntry
from crm.shared.staff_lists import LedgerAdmin


@admin.register(AuditEntry)
class AuditEntryAdmin(LedgerAdmin):
    """Who did what, newest first."""

    list_display = ["at", "actor", "action", "object_type", "object_id", "reason"]
    list_filter = [("at", RangeDateTimeFilter)]
    search_fields = ["=object_id", "=action", "=actor"]
    ordering = ["-at", "-id"]
