"""Orders and what lowered their price. Every amount is in minor units."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q, Value
from django.utils.translation import gettext_lazy as _

from crm.shared.public_ids import PublicIdField

#: Source of the orders placed in this shop, and of what replaces their units.
OURS, EXCHANGE = "storefront", "exchange"


class Order(models.Model):
    """A purchase, with its sums as agreed when it was placed.

    ``total_minor = goods_minor - discount_minor + freight_minor``. What was bought
    never changes afterwards; money given back stands in ``Refund``.
    """

    class State(models.TextChoices):
        """See ``orders.rules.lifecycle`` for the allowed moves."""

        PENDING = "pending", _("awaiting payment")
        PAID = "paid", _("paid")
        PARTLY_SHIPPED = "partly_shipped", _("partly shipped")
        SHIPPED = "shipped", _("shipped")
        DELIVERED = "delivered", _("delivered")
        COMPLETED = "completed", _("completed")
        CANCELLED = "cancelled", _("cancelled")
        REFUNDED = "refunded", _("fully refunded")

    class Device(models.TextChoices):
        """What the buyer ordered with."""

        UNKNOWN = "unknown", _("unknown")
        PHONE = "phone", _("phone")
        TABLET = "tablet", _("tablet")
        DESKTOP = "desktop", _("desktop")
        COUNTER = "counter", _("shop counter")

    public_id = PublicIdField(prefix="ord")
    number = models.CharField(
        _("order number"), max_length=40, unique=True, db_collation="C"
    )
    member = models.ForeignKey(
        "members.Member",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="orders",
        verbose_name=_("member"),
        db_index=False,
    )
    cart = models.OneToOneField(
        "orders.Cart",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="order",
    )
    channel = models.ForeignKey(
        "orders.Channel",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        verbose_name=_("sales channel"),
    )
    #: System the order came from: ``storefront`` or an import profile.
    source = models.CharField(_("source"), max_length=40, default=OURS)
    external_ref = models.CharField(
        _("number at the source"), max_length=80, null=True, blank=True
    )
    region = models.CharField(_("region"), max_length=60, blank=True)
    #: What brought the buyer: a code of a campaign, and the kind of device.
    campaign = models.CharField(
        _("source campaign"), max_length=80, blank=True, db_default=""
    )
    device = models.CharField(
        _("device"),
        max_length=10,
        choices=Device,
        default=Device.UNKNOWN,
        db_default=Device.UNKNOWN,
    )
    #: The order whose units this one replaces (R13, R14).
    exchange_of = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="exchanges",
        verbose_name=_("exchange of"),
    )
    state = models.CharField(
        _("state"), max_length=20, choices=State, default=State.PENDING
    )
    currency = models.CharField(_("currency"), max_length=3)
    goods_minor = models.BigIntegerField(_("goods"))
    discount_minor = models.BigIntegerField(_("discount"), default=0)
    freight_minor = models.BigIntegerField(_("freight"), default=0)
    total_minor = models.BigIntegerField(_("total"))
    paid_minor = models.BigIntegerField(_("paid"), default=0)
    refunded_minor = models.BigIntegerField(_("refunded"), default=0)
    points_spent = models.PositiveIntegerField(_("points spent"), default=0)
    #: Withdrawal by law: what is kept is never priced again (R7).
    is_protected = models.BooleanField(
        _("consumer-protected"), default=False, db_default=False
    )
    #: What a paid order waits for before anything is done with it, such as ``group``:
    #: nothing is sent, earned or counted till then (G15). Empty when for nothing.
    waits_for = models.CharField(
        _("waits for"), max_length=10, blank=True, default="", db_default=""
    )
    #: To whom the buyer belonged when the price was made, such as ``tier:gold``: marks
    #: of prices and offers, without ``member``. The order keeps them (T16).
    audiences = ArrayField(
        models.CharField(max_length=80),
        verbose_name=_("bought as"),
        default=list,
        blank=True,
        db_default=Value([], output_field=ArrayField(models.CharField(max_length=80))),
    )
    #: Version of the quote the buyer agreed to (S27).
    quote_hash = models.CharField(max_length=64, blank=True)
    placed_at = models.DateTimeField(_("placed at"))
    payment_due_at = models.DateTimeField(_("payment due at"), null=True, blank=True)
    #: When it became a purchase: paid, and waiting for nothing. Each payment has its
    #: own moment besides.
    paid_at = models.DateTimeField(_("paid at"), null=True, blank=True)
    shipped_at = models.DateTimeField(_("shipped at"), null=True, blank=True)
    #: Time limits of returns count from here (R17).
    delivered_at = models.DateTimeField(_("delivered at"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_ref"], name="order_once_per_external_ref"
            ),
            models.CheckConstraint(
                condition=Q(
                    total_minor=F("goods_minor")
                    - F("discount_minor")
                    + F("freight_minor")
                ),
                name="order_total_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(discount_minor__gte=0)
                & Q(total_minor__gte=0)
                & Q(freight_minor__gte=0),
                name="order_sums_are_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(refunded_minor__gte=0)
                & Q(refunded_minor__lte=F("paid_minor")),
                name="order_refunds_are_within_paid",
            ),
            models.CheckConstraint(
                condition=Q(paid_minor__lte=F("total_minor")),
                name="order_paid_is_within_total",
            ),
            models.CheckConstraint(
                condition=Q(waits_for="") | Q(paid_at__isnull=True),
                name="order_waiting_is_no_purchase_yet",
            ),
        ]
        indexes = [
            models.Index(fields=["-placed_at", "-id"], name="order_newest_first"),
            models.Index(fields=["member", "-placed_at"], name="order_by_member"),
            models.Index(fields=["state", "-placed_at"], name="order_by_state"),
            models.Index(
                fields=["payment_due_at"],
                name="order_waiting_for_payment",
                condition=Q(state="pending"),
            ),
            models.Index(
                fields=["campaign", "-placed_at"],
                name="order_by_campaign",
                condition=~Q(campaign=""),
            ),
            models.Index(
                fields=["device", "-placed_at"],
                name="order_by_device",
                condition=~Q(device="unknown"),
            ),
            models.Index(fields=["total_minor", "-placed_at"], name="order_by_total"),
            # Paid and delivered mostly in order of time: a page of it serves any day.
            BrinIndex(
                fields=["paid_at", "delivered_at"],
                name="order_by_time",
                pages_per_range=32,
            ),
            models.Index(
                fields=["delivered_at"],
                name="order_to_complete",
                condition=Q(state="delivered"),
            ),
        ]

    def __str__(self):
        return self.number

    @property
    def is_ours(self) -> bool:
        """Whether it was placed here, so that its payment and stock are ours, too."""
        return self.source in {OURS, EXCHANGE}


class OrderLine(models.Model):
    """So many units of one SKU at an agreed price; names are copies.

    ``net_minor = gross_minor - discount_minor`` and ``discount_minor`` is the sum of
    the line's allocations (X8).
    """

    order = models.ForeignKey(
        Order, on_delete=models.CASCADE, related_name="lines", db_index=False
    )
    position = models.PositiveIntegerField(_("position"))
    variant = models.ForeignKey(
        "orders.Variant",
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    sku = models.CharField(_("SKU"), max_length=60, db_collation="C")
    name = models.CharField(_("name"), max_length=240)
    kind = models.CharField(_("kind"), max_length=10)
    quantity = models.PositiveIntegerField(_("quantity"))
    #: Without sale or member price; what a kept gift is worth (R8).
    list_price_minor = models.BigIntegerField(_("list price"), null=True, blank=True)
    #: The price of the first stage (S1), and which of the prices it was.
    unit_price_minor = models.BigIntegerField(_("unit price"))
    price_kind = models.CharField(
        _("kind of price"), max_length=10, default="list", db_default="list"
    )
    #: What a unit cost the shop that day, for margins; None is not known.
    cost_minor = models.BigIntegerField(_("cost"), null=True, blank=True)
    gross_minor = models.BigIntegerField(_("gross"))
    discount_minor = models.BigIntegerField(_("discount"), default=0)
    net_minor = models.BigIntegerField(_("net"))
    shipped_quantity = models.PositiveIntegerField(
        _("units shipped"), default=0, db_default=0
    )
    refunded_quantity = models.PositiveIntegerField(_("units refunded"), default=0)
    refunded_minor = models.BigIntegerField(_("refunded"), default=0)
    #: Units asked back by returns under way; nobody else may refund them.
    returning_quantity = models.PositiveIntegerField(
        _("units coming back"), default=0, db_default=0
    )
    #: The offer that brought this gift (R8); the line whose units this one replaces
    #: (R13).
    gift_of = models.ForeignKey(
        "orders.AppliedOffer",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="gifts",
    )
    replaces = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="replacements",
    )
    #: Line of the file this came from, for imported orders.
    source_row = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        constraints = [
            models.UniqueConstraint(
                fields=["order", "position"], name="order_line_once_per_position"
            ),
            models.CheckConstraint(
                condition=Q(gross_minor=F("unit_price_minor") * F("quantity"))
                & Q(net_minor=F("gross_minor") - F("discount_minor")),
                name="order_line_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(net_minor__gte=0) & Q(discount_minor__gte=0),
                name="order_line_is_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(refunded_quantity__lte=F("quantity"))
                & Q(refunded_minor__lte=F("net_minor"))
                & Q(refunded_minor__gte=0),
                name="order_line_refunds_are_within_paid",
            ),
            models.CheckConstraint(
                condition=Q(
                    quantity__gte=F("refunded_quantity") + F("returning_quantity")
                ),
                name="order_line_returns_are_within_bought",
            ),
            models.CheckConstraint(
                condition=Q(shipped_quantity__lte=F("quantity")),
                name="order_line_ships_what_was_bought",
            ),
        ]
        indexes = [models.Index(fields=["variant"], name="order_line_by_sku")]

    def __str__(self):
        return f"{self.sku} x {self.quantity}"


class Allocation(models.Model):
    """What one reduction took off one line. Refunds read this; nothing recomputes."""

    line = models.ForeignKey(
        OrderLine,
        on_delete=models.CASCADE,
        related_name="allocations",
        db_index=False,
    )
    #: ``promotion``, ``coupon``, ``points``, ``tier``.
    source_kind = models.CharField(_("kind of offer"), max_length=20)
    source_id = models.CharField(_("offer"), max_length=40)
    source_name = models.CharField(_("name of offer"), max_length=160)
    amount_minor = models.BigIntegerField(_("amount"))
    points = models.PositiveIntegerField(_("points"), default=0)

    class Meta:
        verbose_name = _("price reduction")
        verbose_name_plural = _("price reductions")
        constraints = [
            models.UniqueConstraint(
                fields=["line", "source_kind", "source_id"],
                name="allocation_once_per_line_and_source",
            ),
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0), name="allocation_is_positive"
            ),
        ]
        indexes = [
            models.Index(fields=["source_kind", "source_id"], name="allocation_source")
        ]

    def __str__(self):
        return f"{self.source_kind} {self.source_id}: {self.amount_minor}"


class AppliedOffer(models.Model):
    """An offer of an order with its terms of that day, so that nobody asks today's."""

    class OnReturn(models.TextChoices):
        """What a partial return does to it (R6)."""

        KEEP = "keep", _("keep")
        REPRICE = "reprice", _("price again")

    order = models.ForeignKey(
        Order, on_delete=models.CASCADE, related_name="offers", db_index=False
    )
    stage = models.PositiveSmallIntegerField(_("stage"))
    source_kind = models.CharField(_("kind of offer"), max_length=20)
    source_id = models.CharField(_("offer"), max_length=40)
    source_name = models.CharField(_("name of offer"), max_length=160)
    amount_minor = models.BigIntegerField(_("amount"))
    points = models.PositiveIntegerField(_("points"), default=0)
    #: What its source needs to make the same offer again.
    terms = models.JSONField(_("terms"), default=dict)
    on_return = models.CharField(
        _("on partial return"), max_length=10, choices=OnReturn, default=OnReturn.KEEP
    )
    #: Positions of the lines its gifts came with; empty where it brought none (R8).
    trigger_positions = ArrayField(
        models.PositiveIntegerField(), default=list, db_default=[], blank=True
    )

    class Meta:
        verbose_name = _("applied offer")
        verbose_name_plural = _("applied offers")
        constraints = [
            models.UniqueConstraint(
                fields=["order", "source_kind", "source_id"],
                name="applied_offer_once_per_order",
            )
        ]

    def __str__(self):
        return f"{self.source_kind} {self.source_id}: {self.amount_minor}"
