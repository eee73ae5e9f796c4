"""Stored value of members: a balance row and the entries that made it.

Entries are never changed; a mistake gets a new one. The wallet row is the lock and
its CHECKs are the guard. At any time ``balance_minor`` is the sum of the entries and
``held_minor`` the sum of what unpaid orders of the member hold
(``Payment.State.HELD``).
"""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crm.shared.models.ledger import LedgerEntry
from crm.shared.public_ids import PublicIdField


class Wallet(models.Model):
    """What a member has paid in and not yet spent. Only ``orders.services`` writes.

    Amounts are in minor units of the shop's currency.
    """

    member = models.OneToOneField(
        "members.Member",
        on_delete=models.PROTECT,
        primary_key=True,
        related_name="wallet",
        verbose_name=_("member"),
    )
    balance_minor = models.BigIntegerField(_("balance"), default=0)
    #: The part of the balance that is put aside for orders not yet paid in full.
    held_minor = models.BigIntegerField(_("held"), default=0)
    #: Number of the newest entry: the serial order of this wallet.
    seq = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("wallet")
        verbose_name_plural = _("wallets")
        constraints = [
            models.CheckConstraint(
                condition=Q(balance_minor__gte=0), name="wallet_is_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(held_minor__gte=0) & Q(held_minor__lte=F("balance_minor")),
                name="wallet_held_is_within_balance",
            ),
        ]
        indexes = [
            models.Index(fields=["-balance_minor", "member"], name="wallet_richest")
        ]

    def __str__(self):
        return str(self.member)

    @property
    def available_minor(self) -> int:
        """Return what can be spent now."""
        return self.balance_minor - self.held_minor


class WalletEntry(LedgerEntry):
    """One movement of stored value. Append only.

    ``amount_minor`` is signed. ``source`` names the cause, such as
    ``payment:pay_01J…``, and makes retries harmless: across all wallets, so that a
    refund that is asked for again after two members were merged is still paid once.
    """

    class Kind(models.TextChoices):
        """Why value moved."""

        TOP_UP = "top_up", _("paid in by staff")
        GIFT_CARD = "gift_card", _("gift card")
        PAYMENT = "payment", _("payment")
        REFUND = "refund", _("refund")
        DEDUCT = "deduct", _("paid out by staff")
        REWARD = "reward", _("reward")
        REWARD_BACK = "taken_back", _("reward given back")
        TRANSFER = "transfer", _("moved with a merge")

    public_id = PublicIdField(prefix="wle")
    wallet = models.ForeignKey(
        Wallet,
        on_delete=models.PROTECT,
        related_name="entries",
        verbose_name=_("wallet"),
        db_index=False,
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    amount_minor = models.BigIntegerField(_("amount"))
    balance_after_minor = models.BigIntegerField(_("balance after"))

    class Meta:
        verbose_name = _("wallet entry")
        verbose_name_plural = _("wallet entries")
        constraints = [
            models.UniqueConstraint(
                fields=["wallet", "kind", "source"],
                name="wallet_entry_once_per_source",
            ),
            # A transfer is a pair with one source; everything else happens once.
            models.UniqueConstraint(
                fields=["kind", "source"],
                condition=~Q(kind="transfer"),
                name="wallet_entry_once_in_all_wallets",
            ),
            models.UniqueConstraint(
                fields=["wallet", "seq"], name="wallet_entry_once_per_number"
            ),
            models.CheckConstraint(
                condition=(
                    Q(
                        kind__in=["top_up", "gift_card", "refund", "reward"],
                        amount_minor__gt=0,
                    )
                    | Q(
                        kind__in=["payment", "deduct", "taken_back"], amount_minor__lt=0
                    )
                    | Q(kind="transfer")
                ),
                name="wallet_entry_sign_matches_kind",
            ),
        ]
        indexes = [
            models.Index(fields=["-occurred_at", "-id"], name="wallet_entry_newest")
        ]

    def __str__(self):
        return f"#{self.seq} {self.get_kind_display()}"
