"""Goods on their way back: what was asked for, answered, and found (R16)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.shared.fields import EncryptedTextField
from crm.shared.public_ids import PublicIdField


class ReturnRequest(models.Model):
    """A member's wish to give units of an order back, and what became of it."""

    class Kind(models.TextChoices):
        """What the member asks for."""

        REFUND_ONLY = "refund_only", _("money back, keep the goods")
        RETURN = "return", _("return")
        EXCHANGE = "exchange", _("exchange")

    class State(models.TextChoices):
        """See ``orders.rules.returns`` for the allowed moves."""

        REQUESTED = "requested", _("waiting for an answer")
        APPROVED = "approved", _("approved")
        IN_TRANSIT = "in_transit", _("on its way back")
        RECEIVED = "received", _("received")
        INSPECTED = "inspected", _("inspected")
        REFUNDED = "refunded", _("refunded")
        EXCHANGED = "exchanged", _("exchanged")
        REFUSED = "refused", _("refused")
        CANCELLED = "cancelled", _("cancelled by the member")

    class Reason(models.TextChoices):
        """Why units go back; ``orders.rules.returns.FAULTS`` are the merchant's."""

        CHANGED_MIND = "changed_mind", _("changed my mind")
        WRONG_SIZE = "wrong_size", _("does not fit")
        DAMAGED = "damaged", _("damaged or faulty")
        WRONG_ITEM = "wrong_item", _("not what I ordered")
        NOT_AS_DESCRIBED = "not_as_described", _("not as described")
        LATE = "late", _("came too late")
        OTHER = "other", _("another reason")

    public_id = PublicIdField(prefix="ret")
    order = models.ForeignKey(
        "orders.Order",
        on_delete=models.PROTECT,
        related_name="returns",
        verbose_name=_("order"),
    )
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    state = models.CharField(
        _("state"), max_length=20, choices=State, default=State.REQUESTED
    )
    reason_code = models.CharField(_("reason"), max_length=20, choices=Reason)
    #: Free words may name a person or a street.
    words = EncryptedTextField(_("in the member's words"), blank=True, default="")
    carrier = models.CharField(_("carrier"), max_length=40, blank=True)
    tracking_number = models.CharField(_("tracking number"), max_length=60, blank=True)
    #: The money that went back for it, or the value that went into the exchange.
    refund = models.OneToOneField(
        "orders.Refund",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="return_request",
        verbose_name=_("refund"),
    )
    requested_at = models.DateTimeField(_("requested at"))
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("return")
        verbose_name_plural = _("returns")
        constraints = [
            models.CheckConstraint(
                condition=Q(refund__isnull=False)
                | ~Q(state__in=["refunded", "exchanged"]),
                name="return_ends_with_its_refund",
            )
        ]
        indexes = [
            models.Index(fields=["-requested_at", "-id"], name="return_newest_first"),
            models.Index(fields=["state", "requested_at"], name="return_by_state"),
        ]

    def __str__(self):
        return self.public_id

    @property
    def awaits_difference(self) -> bool:
        """Whether its exchange waits until dearer goods are paid (R14)."""
        return self.state == self.State.INSPECTED and self.refund_id is not None


class ReturnLine(models.Model):
    """Units of one order line that are asked back, and what came."""

    class Condition(models.TextChoices):
        """What the inspection found."""

        AS_NEW = "as_new", _("as new")
        OPENED = "opened", _("opened")
        DAMAGED = "damaged", _("damaged")
        MISSING = "missing", _("did not come")

    request = models.ForeignKey(
        ReturnRequest,
        on_delete=models.CASCADE,
        related_name="lines",
        db_index=False,
    )
    order_line = models.ForeignKey(
        "orders.OrderLine", on_delete=models.PROTECT, related_name="return_lines"
    )
    quantity = models.PositiveIntegerField(_("units"))
    #: What the member wants instead; for exchanges only.
    wanted = models.ForeignKey(
        "orders.Variant",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("wanted instead"),
    )
    #: None until somebody looked.
    inspected_quantity = models.PositiveIntegerField(
        _("units accepted"), null=True, blank=True
    )
    restock = models.BooleanField(_("back in stock"), default=False)
    condition = models.CharField(
        _("condition"), max_length=10, choices=Condition, blank=True
    )

    class Meta:
        verbose_name = _("return line")
        verbose_name_plural = _("return lines")
        constraints = [
            models.UniqueConstraint(
                fields=["request", "order_line"], name="return_line_once_per_line"
            ),
            models.CheckConstraint(
                condition=Q(quantity__gt=0)
                & (
                    Q(inspected_quantity__isnull=True)
                    | Q(inspected_quantity__lte=models.F("quantity"))
                ),
                name="return_line_accepts_what_was_asked",
            ),
        ]

    def __str__(self):
        return f"{self.order_line_id} x {self.quantity}"


class ReturnEvent(models.Model):
    """One move of a return, by whom, with a note the member reads. Append only."""

    request = models.ForeignKey(
        ReturnRequest,
        on_delete=models.CASCADE,
        related_name="events",
        db_index=False,
    )
    from_state = models.CharField(max_length=20, blank=True)
    to_state = models.CharField(max_length=20)
    actor = models.CharField(_("actor"), max_length=80)
    note = models.CharField(_("note to the member"), max_length=200, blank=True)
    occurred_at = models.DateTimeField(_("occurred at"))

    class Meta:
        verbose_name = _("return event")
        verbose_name_plural = _("return events")
        indexes = [models.Index(fields=["request", "id"], name="return_event_in_order")]

    def __str__(self):
        return f"{self.from_state} -> {self.to_state}"
