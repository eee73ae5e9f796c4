"""Stored value: wallets and their entries, to read. Services alone write them."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateTimeFilter
from unfold.decorators import display

from crm.shared.staff_lists import (
    BAD,
    BUSY,
    CALM,
    GOOD,
    LedgerAdmin,
    labelled,
    money_column,
)
from orders.models import Wallet, WalletEntry


@admin.register(Wallet)
class WalletAdmin(LedgerAdmin):
    """Who has how much now."""

    when_empty = _(
        "Stored value of members stands here. It comes from gift cards they "
        "redeem, refunds, and what you pay in on the page of a member."
    )

    list_display = ["member", "balance", "held", "available"]
    fields = ["member", "balance", "held", "available"]
    list_select_related = ["member"]
    search_fields = ["=member__number"]
    ordering = ["-balance_minor", "member_id"]

    balance = money_column("balance_minor", _("balance"), ordering=False)
    held = money_column("held_minor", _("held"), ordering=False)
    available = money_column("available_minor", _("available"), ordering=False)


@admin.register(WalletEntry)
class WalletEntryAdmin(LedgerAdmin):
    """The ledger, newest first. A mistake gets a new entry."""

    when_empty = _(
        "Every movement of stored value stands here. Pay into a wallet on the "
        "page of a member."
    )

    list_display = [
        "occurred_at",
        "member_number",
        "kind_label",
        "amount",
        "balance_after",
        "reason",
        "who_did_it",
        "source",
    ]
    list_select_related = ["wallet__member"]
    list_filter = [
        ("kind", ChoicesDropdownFilter),
        ("occurred_at", RangeDateTimeFilter),
    ]
    search_fields = ["=wallet__member__number", "=public_id"]
    ordering = ["-occurred_at", "-id"]

    amount = money_column("amount_minor", _("amount"), ordering=False)
    balance_after = money_column(
        "balance_after_minor", _("balance after"), ordering=False
    )

    @admin.display(description=_("member"))
    def member_number(self, entry: WalletEntry) -> str:
        """Return whose value moved."""
        return entry.wallet.member.number

    @display(
        description=_("kind"),
        label={
            "top_up": GOOD,
            "gift_card": GOOD,
            "refund": GOOD,
            "reward": GOOD,
            "payment": BUSY,
            "transfer": CALM,
            "deduct": BAD,
            "taken_back": BAD,
        },
    )
    def kind_label(self, entry: WalletEntry) -> tuple[str, str]:
        """Return why value moved."""
        return labelled(entry, "kind")
