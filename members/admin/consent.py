"""Consents: the ledger of what members allowed."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from crm.shared.staff_lists import LedgerAdmin
from members.models import Consent


@admin.register(Consent)
class ConsentAdmin(LedgerAdmin):
    """Newest first; a change of mind is a new row."""

    when_empty = _("Each yes and no of a member stands here, with the text they read.")
    list_display = [
        "occurred_at",
        "member",
        "purpose",
        "channel",
        "granted",
        "source",
        "text_version",
        "who_did_it",
        "reason",
    ]
    list_display_links = None
    list_select_related = ["member"]
    list_filter = [
        ("purpose", ChoicesDropdownFilter),
        ("channel", ChoicesDropdownFilter),
        "granted",
    ]
    search_fields = ["=member__number"]
    ordering = ["-id"]
