"""Money going back, and what could not be tied to an order."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.shared.public_ids import PublicIdField


class Refund(models.Model):
    """Money (and points) given back for units of one order."""

    class State(models.TextChoices):
        """Where the refund stands."""

        REQUESTED = "requested", _("requested")
        COMPLETED = "completed", _("completed")
        FAILED = "failed", _("failed")

    class Kind(models.TextChoices):
        """Where the value of the units goes."""

        MONEY = "money", _("money back")
        EXCHANGE = "exchange", _("exchange")

    class Shortfall(models.TextChoices):
        """See ``orders.rules.refund_effects.Shortfall``."""

        PROGRAM = "program", _("as the points program says")
        DEDUCT = "deduct", _("deduct their value from the refund")
        WAIVE = "waive", _("waive them")

    public_id = PublicIdField(prefix="ref")
    kind = models.CharField(
        _("kind"),
        max_length=10,
        choices=Kind,
        default=Kind.MONEY,
        db_default=Kind.MONEY,
    )
    order = models.ForeignKey(
        "orders.Order",
        on_delete=models.PROTECT,
        related_name="refunds",
        verbose_name=_("order"),
    )
    source = models.CharField(_("source"), max_length=40, default="storefront")
    external_ref = models.CharField(
        _("number at the source"), max_length=80, null=True, blank=True
    )
    #: Names the request: asked again with it, the first refund answers (X1).
    request_key = models.CharField(
        max_length=80, null=True, blank=True, unique=True, editable=False
    )
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.REQUESTED
    )
    #: Sum of the lines, plus freight, less deductions. What is not exchanged is the sum
    #: of the tenders.
    amount_minor = models.BigIntegerField(_("amount"))
    #: The value that pays the order which replaces the units; the rest of ``amount``
    #: goes back to the buyer (R14).
    exchanged_minor = models.BigIntegerField(
        _("value exchanged"), default=0, db_default=0
    )
    replaced_by = models.OneToOneField(
        "orders.Order",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="paid_with",
        verbose_name=_("order that replaces its units"),
    )
    freight_minor = models.BigIntegerField(_("freight returned"), default=0)
    #: Negative when more of earlier deductions came back than was deducted.
    deducted_minor = models.BigIntegerField(_("deducted"), default=0, db_default=0)
    #: Points the buyer spent that go back to their lots (P20).
    points_returned = models.PositiveIntegerField(_("points returned"), default=0)
    #: Of those, what had paid for the freight that goes back (P23).
    freight_points = models.PositiveIntegerField(
        _("points of the freight"), default=0, db_default=0
    )
    #: Points of its lines that stay, for what they paid was used (R21).
    points_kept = models.PositiveIntegerField(_("points kept"), default=0, db_default=0)
    #: What becomes of earned points that are no longer there (P16, P17).
    shortfall = models.CharField(
        _("missing points"),
        max_length=10,
        choices=Shortfall,
        default=Shortfall.PROGRAM,
        db_default=Shortfall.PROGRAM,
    )
    #: Missing points whose value was deducted from the money.
    points_deducted = models.PositiveIntegerField(
        _("points deducted"), default=0, db_default=0
    )
    #: Whether its units go back on the shelf when it is completed (R15).
    restocks = models.BooleanField(_("back in stock"), default=False, db_default=False)
    reason_code = models.CharField(
        _("kind of reason"), max_length=20, blank=True, default="", db_default=""
    )
    #: Version of the quote that was shown before (like ``Order.quote_hash``).
    quote_hash = models.CharField(max_length=64, blank=True, default="", db_default="")
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    actor = models.CharField(_("actor"), max_length=80, blank=True)
    requested_at = models.DateTimeField(_("requested at"))
    completed_at = models.DateTimeField(_("completed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_ref", "order"],
                name="refund_once_per_external_ref",
            ),
            models.CheckConstraint(
                condition=Q(amount_minor__gte=0) & Q(freight_minor__gte=0),
                name="refund_is_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(exchanged_minor__gte=0)
                & Q(exchanged_minor__lte=models.F("amount_minor")),
                name="refund_exchanges_within_its_amount",
            ),
        ]
        indexes = [
            models.Index(fields=["-requested_at", "-id"], name="refund_newest_first"),
            models.Index(
                fields=["state", "-requested_at", "-id"],
                condition=~Q(state="completed"),
                name="refund_unfinished",
            ),
        ]

    def __str__(self):
        return self.public_id

    @property
    def money_minor(self) -> int:
        """Return what goes back to the buyer."""
        return self.amount_minor - self.exchanged_minor


class RefundLine(models.Model):
    """Units of one order line that came back, at the price they were paid."""

    refund = models.ForeignKey(Refund, on_delete=models.CASCADE, related_name="lines")
    order_line = models.ForeignKey(
        "orders.OrderLine", on_delete=models.PROTECT, related_name="refund_lines"
    )
    quantity = models.PositiveIntegerField(_("quantity"))
    amount_minor = models.BigIntegerField(_("amount"))
    #: Spent points of these units; their sum goes back to the lots, or along with an
    #: exchange.
    points = models.PositiveIntegerField(_("points"), default=0, db_default=0)
    source_row = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = _("refund line")
        verbose_name_plural = _("refund lines")
        constraints = [
            models.CheckConstraint(
                condition=Q(quantity__gt=0) & Q(amount_minor__gte=0),
                name="refund_line_is_positive",
            )
        ]

    def __str__(self):
        return f"{self.order_line_id} x {self.quantity}"


class RefundDeduction(models.Model):
    """Why less goes back than was paid for the units, or an earlier one given back."""

    class Kind(models.TextChoices):
        """See ``orders.rules.refunds.DeductionKind``."""

        REPRICE = "reprice", _("offer no longer reached")
        GIFT_KEPT = "gift_kept", _("gift kept")
        POINTS_SHORT = "points_short", _("points already spent")
        FREIGHT_UNOWED = "freight_unowed", _("delivery fee given back too early")
        OVERPAID = "overpaid", _("price lowered afterwards")
        PLAN_USED = "plan_used", _("part of a plan that was used")

    refund = models.ForeignKey(
        Refund,
        on_delete=models.CASCADE,
        related_name="deductions",
        db_index=False,
    )
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    #: Positive goes off the refund, negative comes back.
    amount_minor = models.BigIntegerField(_("amount"))

    class Meta:
        verbose_name = _("refund deduction")
        verbose_name_plural = _("refund deductions")
        constraints = [
            models.UniqueConstraint(
                fields=["refund", "kind"], name="refund_deduction_once_per_kind"
            ),
            models.CheckConstraint(
                condition=~Q(amount_minor=0), name="refund_deduction_is_not_nothing"
            ),
        ]

    def __str__(self):
        return f"{self.kind}: {self.amount_minor}"


class RefundTender(models.Model):
    """The part of a refund that goes back to one payment (R4)."""

    class State(models.TextChoices):
        """Where the money is."""

        DUE = "due", _("to be paid")
        DONE = "done", _("paid back")
        REFUSED = "refused", _("refused by the provider")

    refund = models.ForeignKey(
        Refund, on_delete=models.CASCADE, related_name="tenders", db_index=False
    )
    payment = models.ForeignKey(
        "orders.Payment",
        on_delete=models.PROTECT,
        related_name="refund_tenders",
        verbose_name=_("payment"),
    )
    #: Sent with every attempt, so that the provider never pays twice (R18).
    key = models.CharField(max_length=40, unique=True, editable=False)
    amount_minor = models.BigIntegerField(_("amount"))
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.DUE
    )
    #: When the provider is asked (again), and how often it was.
    due_at = models.DateTimeField(null=True, blank=True, editable=False)
    attempts = models.PositiveIntegerField(default=0, editable=False)
    #: The member agreed to stored value instead of the way they paid (R4).
    to_wallet = models.BooleanField(_("to stored value"), default=False)
    consent = models.CharField(_("consent of the member"), max_length=200, blank=True)
    done_at = models.DateTimeField(_("paid back at"), null=True, blank=True)

    class Meta:
        verbose_name = _("refund tender")
        verbose_name_plural = _("refund tenders")
        constraints = [
            models.UniqueConstraint(
                fields=["refund", "payment"], name="refund_tender_once_per_payment"
            ),
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0), name="refund_tender_is_positive"
            ),
            models.CheckConstraint(
                condition=Q(to_wallet=False) | ~Q(consent=""),
                name="refund_tender_goes_elsewhere_with_consent",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(state="due"),
                name="refund_tender_waiting_by_due",
            ),
            models.Index(
                fields=["refund"],
                condition=Q(state="refused"),
                name="refund_tender_refused",
            ),
        ]

    def __str__(self):
        return f"{self.key} {self.amount_minor}"


class UnmatchedReturn(models.Model):
    """A return whose purchase is not in the books: counted, and kept for review."""

    class State(models.TextChoices):
        """What staff made of it."""

        OPEN = "open", _("to review")
        SETTLED = "settled", _("settled")

    source = models.CharField(_("source"), max_length=40)
    external_ref = models.CharField(_("number at the source"), max_length=80)
    source_row = models.PositiveIntegerField(_("row"))
    member = models.ForeignKey(
        "members.Member",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="unmatched_returns",
        verbose_name=_("member"),
    )
    variant = models.ForeignKey(
        "orders.Variant",
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("variant"),
    )
    kind = models.CharField(_("kind"), max_length=10)
    quantity = models.PositiveIntegerField(_("quantity"))
    amount_minor = models.BigIntegerField(_("amount"))
    reason = models.CharField(_("why unmatched"), max_length=60)
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.OPEN
    )
    occurred_at = models.DateTimeField(_("occurred at"))

    class Meta:
        verbose_name = _("unmatched return")
        verbose_name_plural = _("unmatched returns")
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_ref", "source_row", "reason"],
                name="unmatched_return_once_per_row",
            ),
            models.CheckConstraint(
                condition=Q(amount_minor__gte=0) & Q(quantity__gt=0),
                name="unmatched_return_is_positive",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "-occurred_at"], name="unmatched_open")
        ]

    def __str__(self):
        return f"{self.external_ref} row {self.source_row}"


class Adjustment(models.Model):
    """Money of the books that is neither sale nor return, such as a bad debt."""

    class Kind(models.TextChoices):
        """Why the books changed."""

        BAD_DEBT = "bad_debt", _("bad debt")

    source = models.CharField(_("source"), max_length=40)
    external_ref = models.CharField(_("number at the source"), max_length=80)
    source_row = models.PositiveIntegerField(_("row"))
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    #: Signed: negative lowers revenue.
    amount_minor = models.BigIntegerField(_("amount"))
    description = models.CharField(_("description"), max_length=240, blank=True)
    occurred_at = models.DateTimeField(_("occurred at"))

    class Meta:
        verbose_name = _("adjustment")
        verbose_name_plural = _("adjustments")
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_ref", "source_row"],
                name="adjustment_once_per_row",
            )
        ]

    def __str__(self):
        return f"{self.external_ref}: {self.amount_minor}"
