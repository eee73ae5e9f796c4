"""What somebody is about to buy."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.shared.public_ids import PublicIdField
from orders.models.order import Order
from orders.rules.staff_discounts import StaffDiscount


class Cart(models.Model):
    """A basket, of a member or of a visitor who holds its unguessable id."""

    public_id = PublicIdField(prefix="cart")
    member = models.ForeignKey(
        "members.Member",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="carts",
        db_index=False,
    )
    channel = models.ForeignKey(
        "orders.Channel", on_delete=models.PROTECT, null=True, blank=True
    )
    #: Where it goes; a visitor may name a province alone, for an estimate.
    address = models.ForeignKey(
        "members.Address",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    province = models.CharField(max_length=60, blank=True, db_default="")
    #: What brought the buyer: a code of a campaign, and the kind of device.
    campaign = models.CharField(max_length=80, blank=True, db_default="")
    device = models.CharField(
        max_length=10,
        choices=Order.Device,
        default=Order.Device.UNKNOWN,
        db_default=Order.Device.UNKNOWN,
    )
    #: The cart its lines went to when the visitor signed in; it is no cart any more.
    merged_into = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    coupon_codes = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    points_to_spend = models.PositiveIntegerField(default=0)
    #: The price its holder was shown last (``orders.rules.seen_prices``, S23).
    seen = models.JSONField(default=dict, blank=True, db_default={}, editable=False)
    #: What staff take off it by hand: a share or an amount (S26). Who gave it, and why,
    #: stands in the audit trail.
    staff_percent_bp = models.PositiveIntegerField(null=True, blank=True)
    staff_off_minor = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name = _("cart")
        verbose_name_plural = _("carts")
        indexes = [
            models.Index(fields=["member", "-updated_at"], name="cart_by_member"),
            # Carts that were left, by when: for back-tests.
            models.Index(fields=["updated_at", "id"], name="cart_by_last_change"),
        ]
        permissions = [("give_staff_discount", "Can give carts a discount")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    staff_percent_bp__isnull=True, staff_off_minor__isnull=True
                )
                | models.Q(
                    staff_percent_bp__range=(1, 10_000), staff_off_minor__isnull=True
                )
                | models.Q(staff_percent_bp__isnull=True, staff_off_minor__gt=0),
                name="cart_has_one_staff_discount",
            )
        ]

    def __str__(self):
        return self.public_id

    @property
    def staff_discount(self) -> StaffDiscount | None:
        """Return what staff take off it by hand."""
        if self.staff_percent_bp is None and self.staff_off_minor is None:
            return None
        return StaffDiscount(self.staff_percent_bp, self.staff_off_minor)

    @staff_discount.setter
    def staff_discount(self, discount: StaffDiscount | None) -> None:
        given = discount and (discount.percent_bp, discount.off_minor)
        self.staff_percent_bp, self.staff_off_minor = given or (None, None)


class CartLine(models.Model):
    """So many of one SKU."""

    public_id = PublicIdField(prefix="cit")
    cart = models.ForeignKey(
        Cart, on_delete=models.CASCADE, related_name="lines", db_index=False
    )
    variant = models.ForeignKey("orders.Variant", on_delete=models.PROTECT)
    quantity = models.PositiveIntegerField()
    #: What a unit costs by an agreement made elsewhere, such as a seat in a group: no
    #: other price and no offer on goods touches it (S2). Empty for all other lines.
    agreed_minor = models.BigIntegerField(null=True, blank=True)
    agreed_kind = models.CharField(max_length=10, blank=True, default="", db_default="")

    class Meta:
        verbose_name = _("cart line")
        verbose_name_plural = _("cart lines")
        constraints = [
            models.UniqueConstraint(
                fields=["cart", "variant"], name="cart_line_once_per_sku"
            ),
            models.CheckConstraint(
                condition=models.Q(quantity__range=(1, 9999)),
                name="cart_line_has_a_sane_quantity",
            ),
            models.CheckConstraint(
                condition=models.Q(agreed_minor__isnull=True, agreed_kind="")
                | (
                    models.Q(agreed_minor__isnull=False, agreed_minor__gte=0)
                    & ~models.Q(agreed_kind="")
                ),
                name="cart_line_agreed_price_has_a_kind",
            ),
        ]

    def __str__(self):
        return f"{self.variant_id} x {self.quantity}"
