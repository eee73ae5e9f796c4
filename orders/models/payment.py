"""Money coming in. No card data: only the provider's reference."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.shared.public_ids import PublicIdField


class Payment(models.Model):
    """One attempt to pay an order, or a part of it, through a provider."""

    class State(models.TextChoices):
        """Where the attempt stands."""

        PENDING = "pending", _("pending")
        #: Stored value put aside until the rest of the order is paid.
        HELD = "held", _("held")
        CAPTURED = "captured", _("captured")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")
        #: Money for an order that no longer wanted it: goes back whole.
        SURPLUS = "surplus", _("to be returned")
        RETURNED = "returned", _("returned")

    public_id = PublicIdField(prefix="pay")
    order = models.ForeignKey(
        "orders.Order",
        on_delete=models.PROTECT,
        related_name="payments",
        verbose_name=_("order"),
    )
    provider = models.CharField(_("provider"), max_length=40)
    #: What another system calls this way to pay, for provider ``elsewhere``.
    tender = models.CharField(_("tender"), max_length=40, blank=True, db_default="")
    amount_minor = models.BigIntegerField(_("amount"))
    refunded_minor = models.BigIntegerField(_("refunded"), default=0)
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.PENDING
    )
    provider_ref = models.CharField(
        _("provider's reference"), max_length=80, null=True, blank=True
    )
    created_at = models.DateTimeField(_("created at"))
    captured_at = models.DateTimeField(_("captured at"), null=True, blank=True)
    #: When a surplus is next offered to the provider for return, and how often it was.
    return_due_at = models.DateTimeField(null=True, blank=True, editable=False)
    return_attempts = models.PositiveIntegerField(
        default=0, db_default=0, editable=False
    )
    #: When the provider is next asked what became of it, and how often it was; None
    #: once that is known.
    ask_due_at = models.DateTimeField(null=True, blank=True, editable=False)
    ask_attempts = models.PositiveIntegerField(default=0, db_default=0, editable=False)

    #: Where the buyer pays; told by the provider when a payment starts, not stored.
    pay_url = ""

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "provider_ref"],
                name="payment_once_per_provider_ref",
            ),
            models.CheckConstraint(
                condition=models.Q(amount_minor__gte=0)
                & models.Q(refunded_minor__gte=0)
                & models.Q(refunded_minor__lte=models.F("amount_minor")),
                name="payment_refunds_are_within_amount",
            ),
        ]
        indexes = [
            models.Index(
                fields=["return_due_at"],
                condition=models.Q(state="surplus"),
                name="payment_surplus_by_due",
            ),
            models.Index(
                fields=["ask_due_at"],
                condition=models.Q(ask_due_at__isnull=False),
                name="payment_to_ask_by_due",
            ),
            models.Index(
                fields=["created_at"],
                condition=models.Q(state="pending"),
                name="payment_pending_oldest",
            ),
        ]

    def __str__(self):
        return self.public_id


class PaymentCallback(models.Model):
    """A message of a provider that was taken: the same one again changes nothing."""

    provider = models.CharField(max_length=40)
    event_id = models.CharField(max_length=80)
    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, related_name="callbacks"
    )
    kind = models.CharField(max_length=40)
    received_at = models.DateTimeField()

    class Meta:
        verbose_name = _("payment call-back")
        verbose_name_plural = _("payment call-backs")
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "event_id"], name="payment_callback_once"
            )
        ]

    def __str__(self):
        return f"{self.provider} {self.event_id}"
