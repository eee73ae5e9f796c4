"""The points ledger: entries, the lots they opened, and the balance row.

Entries are never changed; a correction is a new entry (P1). The account row is the
lock and its CHECKs are the guard. At any time (P3)
``balance - debt = sum(entries) = sum(lots) - debt``, and every lot holds what was
granted less what was taken from it plus what was restored to it.
"""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.shared.models.ledger import LedgerEntry
from crm.shared.public_ids import PublicIdField
from loyalty.models.reason import reason_code_field


class PointsAccount(models.Model):
    """A member's points now. Only ``loyalty.services`` writes here.

    ``balance`` is what the lots hold, ``held`` the part reserved for orders, and
    ``debt`` what a refund took beyond the balance. Available = balance - held.
    """

    member = models.OneToOneField(
        "members.Member",
        on_delete=models.PROTECT,
        primary_key=True,
        related_name="points_account",
        verbose_name=_("member"),
    )
    balance = models.BigIntegerField(_("balance"), default=0)
    held = models.BigIntegerField(_("held"), default=0)
    debt = models.BigIntegerField(_("debt"), default=0)
    lifetime_earned = models.BigIntegerField(_("earned in all"), default=0)
    #: Number of the newest entry: the serial order of this account.
    seq = models.BigIntegerField(default=0)
    tier = models.ForeignKey(
        "loyalty.Tier",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("tier"),
        db_index=False,
    )
    tier_since = models.DateTimeField(_("in this tier since"), null=True, blank=True)
    is_frozen = models.BooleanField(_("frozen"), default=False)
    #: Since when; the time until it ends is given back to the lots (P14).
    frozen_at = models.DateTimeField(_("frozen since"), null=True, blank=True)
    #: A freeze for fraud gives no time back, and lots end meanwhile.
    is_fraud = models.BooleanField(
        _("frozen for fraud"), default=False, db_default=False
    )
    #: Accounts this one was ever merged with, also where that was undone: entries
    #: stay where they were written, and an order's may stand in any of these.
    merged_with = ArrayField(
        models.BigIntegerField(), default=list, db_default=[], blank=True
    )

    class Meta:
        verbose_name = _("points account")
        verbose_name_plural = _("points accounts")
        constraints = [
            models.CheckConstraint(
                condition=Q(balance__gte=0), name="points_balance_is_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(held__gte=0) & Q(held__lte=F("balance")),
                name="points_held_is_within_balance",
            ),
            models.CheckConstraint(
                condition=Q(debt__gte=0), name="points_debt_is_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(is_frozen=True, frozen_at__isnull=False)
                | Q(is_frozen=False, frozen_at__isnull=True, is_fraud=False),
                name="points_frozen_has_a_beginning",
            ),
        ]
        indexes = [
            models.Index(fields=["tier", "member"], name="points_account_by_tier"),
            models.Index(fields=["-balance", "member"], name="points_account_richest"),
            models.Index(
                fields=["-balance", "member"],
                condition=Q(is_frozen=True),
                name="points_account_frozen",
            ),
        ]

    def __str__(self):
        return str(self.member)

    @property
    def accounts(self) -> list[int]:
        """Return this account and those whose entries may concern it."""
        return [self.pk, *self.merged_with]

    @property
    def available(self) -> int:
        """Return the points that can be spent now (P2, P14)."""
        return 0 if self.is_frozen else self.balance - self.held

    @property
    def term_stopped_at(self) -> datetime | None:
        """Return since when its lots do not age; None where they do (P14)."""
        return None if self.is_fraud else self.frozen_at


class PointsEntry(LedgerEntry):
    """One movement of points. Append only: mistakes get a new entry.

    ``points`` is signed and whole: positive came in, negative went out. ``source``
    names the cause, such as ``order:ord_01J…``, and makes retries harmless (P4).
    """

    class Kind(models.TextChoices):
        """Why points moved."""

        EARN = "earn", _("earned")
        SPEND = "spend", _("spent")
        RETURN = "return", _("given back")
        CLAW_BACK = "claw_back", _("taken back")
        EXPIRE = "expire", _("expired")
        GRANT = "grant", pgettext_lazy("points entry", "granted")
        DEDUCT = "deduct", _("deducted by staff")
        OPENING = "opening", _("opening balance")
        TRANSFER = "transfer", _("moved with a merge")
        GIFT = "gift", _("passed on")
        REINSTATE = "reinstate", _("reinstated")

    public_id = PublicIdField(prefix="pte")
    account = models.ForeignKey(
        PointsAccount,
        on_delete=models.PROTECT,
        related_name="entries",
        verbose_name=_("account"),
        db_index=False,
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    points = models.BigIntegerField(_("points"))
    #: Balance minus debt after this entry.
    balance_after = models.BigIntegerField(_("balance after"))
    #: Why, for finance, of what a person did by hand (P27); ``reason`` is their note.
    reason_code = reason_code_field()
    #: How the number came about: basis, rate, multiplier, shortfall.
    trace = models.JSONField(_("calculation"), default=dict)
    reverses = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("undoes the entry"),
        db_index=False,
    )

    class Meta:
        verbose_name = _("points entry")
        verbose_name_plural = _("points entries")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "kind", "source"],
                name="points_entry_once_per_source",
            ),
            models.UniqueConstraint(
                fields=["account", "seq"], name="points_entry_once_per_number"
            ),
            # What comes in is not negative, what goes out not positive. The kinds stand
            # in a function: as a list here each INSERT would read them anew.
            models.CheckConstraint(
                condition=Func(
                    "kind",
                    "points",
                    function="loyalty_sign_fits",
                    output_field=models.BooleanField(),
                ),
                name="points_entry_sign_matches_kind",
            ),
        ]
        indexes = [
            models.Index(fields=["-occurred_at", "-id"], name="points_entry_newest"),
            # For the list by kind. Not of the kind that every order writes: there the
            # newest are found at once, and every order would pay for the index.
            models.Index(
                fields=["kind", "-occurred_at", "-id"],
                name="points_entry_rare_kinds",
                condition=~Q(kind="earn"),
            ),
            # For the list by reason code, and for what a month moved by hand.
            models.Index(
                fields=["reason_code", "-occurred_at", "-id"],
                name="points_entry_by_hand",
                condition=~Q(reason_code=""),
            ),
            models.Index(
                fields=["reverses"],
                name="points_entry_reversing",
                condition=Q(reverses__isnull=False),
            ),
        ]

    def __str__(self):
        return f"#{self.pk} {self.get_kind_display()} {self.points:+,d}"


class PointsLot(models.Model):
    """Points that came in together and expire together."""

    account = models.ForeignKey(
        PointsAccount, on_delete=models.PROTECT, related_name="lots"
    )
    entry = models.OneToOneField(
        PointsEntry, on_delete=models.PROTECT, related_name="lot"
    )
    granted = models.BigIntegerField(_("granted"))
    remaining = models.BigIntegerField(_("remaining"))
    #: The part of ``remaining`` that open holds reserve: neither spent nor expired
    #: until the hold is resolved (P13).
    held = models.BigIntegerField(_("held"), default=0, db_default=0)
    #: The part of the rest whose units are asked back; it is pending meanwhile (R10).
    asked_back = models.BigIntegerField(_("asked back"), default=0, db_default=0)
    #: ``None`` while it is not known: the order is not delivered yet (P9).
    active_at = models.DateTimeField(_("active from"), null=True, blank=True)
    #: Exclusive; ``None`` never expires.
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    #: Indexes ask this, not ``remaining``: what is spent of a lot then stays in its
    #: page (a HOT update), and no index is written until the lot is empty.
    is_open = models.GeneratedField(
        expression=Q(remaining__gt=0),
        output_field=models.BooleanField(_("open")),
        db_persist=True,
        editable=False,
    )

    class Meta:
        verbose_name = _("points lot")
        verbose_name_plural = _("points lots")
        constraints = [
            models.CheckConstraint(
                condition=Q(remaining__gte=0) & Q(remaining__lte=F("granted")),
                name="points_lot_remaining_is_within_granted",
            ),
            models.CheckConstraint(
                condition=Q(held__gte=0) & Q(held__lte=F("remaining")),
                name="points_lot_held_is_within_remaining",
            ),
            models.CheckConstraint(
                condition=Q(asked_back__range=(0, F("remaining") - F("held"))),
                name="points_lot_asked_back_is_within_the_rest",
            ),
        ]
        indexes = [
            models.Index(
                fields=["account", "expires_at", "active_at", "id"],
                name="points_lot_spending_order",
                condition=Q(is_open=True),
            ),
            models.Index(
                fields=["expires_at"],
                name="points_lot_to_expire",
                condition=Q(is_open=True),
            ),
            models.Index(
                fields=["id"],
                name="points_lot_to_activate",
                condition=Q(active_at__isnull=True),
            ),
        ]

    def __str__(self):
        return f"lot {self.pk}: {self.remaining}/{self.granted}"

    @property
    def free(self) -> int:
        """Return what can be spent of it while it is active (P2, R10)."""
        return self.remaining - self.held - self.asked_back


class LotTake(models.Model):
    """How many points an outgoing entry took from which lot (P11, P20)."""

    entry = models.ForeignKey(
        PointsEntry,
        on_delete=models.PROTECT,
        related_name="takes",
        db_index=False,
    )
    lot = models.ForeignKey(PointsLot, on_delete=models.PROTECT, related_name="takes")
    points = models.BigIntegerField(_("points"))
    #: Points of this take that were given back since, and the part of them that went
    #: into this very lot; the rest opened a lot with a later end (P20).
    returned = models.BigIntegerField(_("returned"), default=0, db_default=0)
    restored = models.BigIntegerField(_("restored"), default=0, db_default=0)

    class Meta:
        verbose_name = _("lot movement")
        verbose_name_plural = _("lot movements")
        constraints = [
            models.UniqueConstraint(fields=["entry", "lot"], name="lot_take_once"),
            models.CheckConstraint(
                condition=Q(points__gt=0)
                & Q(returned__gte=0)
                & Q(returned__lte=F("points")),
                name="lot_take_returned_is_within_taken",
            ),
            models.CheckConstraint(
                condition=Q(restored__gte=0) & Q(restored__lte=F("returned")),
                name="lot_take_restored_is_within_returned",
            ),
        ]

    def __str__(self):
        return f"{self.points} of lot {self.lot_id}"
