"""Points accounts and the ledger: to read. Services alone write them."""

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import (
    ChoicesDropdownFilter,
    RangeDateTimeFilter,
    RelatedDropdownFilter,
)
from unfold.decorators import display

from crm.shared.clock import now
from crm.shared.staff_lists import BAD, BUSY, CALM, GOOD, LedgerAdmin
from loyalty.earning_words import entry_words
from loyalty.models import PointsAccount, PointsEntry
from loyalty.queries.points import pending_points


@admin.register(PointsAccount)
class PointsAccountAdmin(LedgerAdmin):
    """Who has how many points now."""

    when_empty = _(
        "Who has how many points stands here. Everybody who joins gets an account."
    )

    # Numbers of rows, for the ledger; merges are told on the page of merges.
    exclude = ["merged_with"]
    list_display = [
        "member",
        "tier",
        "available_points",
        "balance",
        "held",
        "debt",
        "lifetime_earned",
        "is_frozen",
    ]
    list_select_related = ["member", "tier"]
    list_filter = [("tier", RelatedDropdownFilter), "is_frozen"]
    search_fields = ["=member__number"]
    ordering = ["-balance", "member_id"]

    def get_queryset(self, request):
        """Add what is pending."""
        accounts = super().get_queryset(request)
        return accounts.annotate(pending=pending_points(now()))

    @admin.display(description=_("available points"))
    def available_points(self, account: PointsAccount) -> int:
        """Return what can be spent now (P2)."""
        return max(0, account.available - account.pending)


@admin.register(PointsEntry)
class PointsEntryAdmin(LedgerAdmin):
    """The ledger, newest first. A mistake gets a new entry."""

    when_empty = _(
        "Every movement of points stands here. They come with paid orders, or "
        "are granted on the page of a member."
    )

    list_display = [
        "occurred_at",
        "member_number",
        "kind_label",
        "signed_points",
        "balance_after",
        "source",
        "reason",
        "actor",
    ]
    list_select_related = ["account__member"]
    list_filter = [
        ("kind", ChoicesDropdownFilter),
        ("occurred_at", RangeDateTimeFilter),
    ]
    search_fields = ["=account__member__number", "=public_id"]
    ordering = ["-occurred_at", "-id"]
    exclude = ["reverses", "trace"]
    readonly_fields = ["why"]

    @admin.display(description=_("why so many"))
    def why(self, entry: PointsEntry) -> str:
        """Return the calculation, rule by rule (P8)."""
        rows = [
            (row.name, row.how, f"{row.points:+,d}" if row.is_counted else "–")
            for row in entry_words(entry)
        ]
        return format_html_join(mark_safe("<br>"), "{}: {} <b>{}</b>", rows) or "–"

    @admin.display(description=_("member"))
    def member_number(self, entry: PointsEntry) -> str:
        """Return whose points moved."""
        return entry.account.member.number

    @display(
        description=_("kind"),
        label={
            "earn": GOOD,
            "grant": GOOD,
            "opening": GOOD,
            "return": GOOD,
            "spend": BUSY,
            "expire": CALM,
            "transfer": CALM,
            "deduct": BAD,
            "claw_back": BAD,
        },
    )
    def kind_label(self, entry: PointsEntry) -> tuple[str, str]:
        """Return why points moved."""
        return entry.kind, entry.get_kind_display()

    @admin.display(description=_("points"))
    def signed_points(self, entry: PointsEntry) -> str:
        """Return the movement with its sign."""
        return f"{entry.points:+,d}"
