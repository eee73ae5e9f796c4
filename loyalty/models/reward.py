"""Rewards: what members get for points, and every time they did."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.shared.bilingual import Bilingual, in_request_language
from crm.shared.public_ids import PublicIdField


class Reward(Bilingual, models.Model):
    """Something of the rewards catalogue, and what it costs whom.

    ``taken`` counts the pieces that are gone; it moves by conditional writes only and
    never beyond ``stock`` (X5).
    """

    public_id = PublicIdField(prefix="rwd")
    name = models.CharField(_("name"), max_length=80)
    name_en = models.CharField(_("English name"), max_length=80, blank=True)
    text = models.TextField(_("description"), max_length=2_000, blank=True)
    text_en = models.TextField(_("English description"), max_length=2_000, blank=True)
    #: A key of ``crm.wiring.REWARD_KINDS``.
    kind = models.CharField(_("kind"), max_length=20)
    points = models.PositiveIntegerField(
        _("price in points"),
        help_text=_("For whom no row of the price table is meant."),
    )
    #: Paid in money besides the points, by an order of the SKU; only goods cost any.
    price_minor = models.PositiveBigIntegerField(
        _("and in money"), default=0, db_default=0
    )
    #: What of it: goods name a SKU, stored value and donations an amount, coupons
    #: their template by its public id, benefits a benefit, seats when it begins.
    variant = models.ForeignKey(
        "orders.Variant",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("SKU"),
    )
    amount_minor = models.PositiveBigIntegerField(_("amount"), null=True, blank=True)
    template = models.CharField(_("coupon template"), max_length=40, blank=True)
    benefit = models.ForeignKey(
        "loyalty.Benefit",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="rewards",
        verbose_name=_("benefit"),
    )
    seat_at = models.DateTimeField(
        _("begins at"),
        null=True,
        blank=True,
        help_text=_("For event seats: until then they are to be had."),
    )
    seat_until = models.DateTimeField(
        _("over at"),
        null=True,
        blank=True,
        help_text=_("For event seats: until then passes let in. Empty is all day."),
    )
    place = models.CharField(_("place"), max_length=120, blank=True, db_default="")
    place_en = models.CharField(
        _("English place"), max_length=120, blank=True, db_default=""
    )
    stock = models.PositiveIntegerField(_("pieces in all"), null=True, blank=True)
    taken = models.PositiveIntegerField(_("taken"), default=0, editable=False)
    member_limit = models.PositiveSmallIntegerField(
        _("per member"),
        null=True,
        blank=True,
        help_text=_("Empty is as often as points last."),
    )
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"), null=True, blank=True)
    #: Who sees it: a condition of the one grammar over the member; {} is everybody.
    condition = models.JSONField(_("visible to whom"), default=dict, blank=True)
    refundable_days = models.PositiveSmallIntegerField(
        _("may be given back for days"),
        default=0,
        help_text=_("To the end of that day; 0 is never."),
    )
    due_days = models.PositiveSmallIntegerField(
        _("sent within days"),
        default=3,
        help_text=_("For what staff send: when it is due."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    #: A WebP without metadata, written anew from what was sent in. A new one gets a new
    #: id, so caches may keep it.
    picture = models.BinaryField(null=True, blank=True)
    picture_id = models.CharField(
        max_length=40, unique=True, null=True, blank=True, editable=False
    )

    class Meta:
        verbose_name = _("reward")
        verbose_name_plural = _("rewards")
        constraints = [
            models.CheckConstraint(
                condition=Q(stock__isnull=True) | Q(taken__lte=F("stock")),
                name="reward_taken_is_within_stock",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="reward_ends_after_it_starts",
            ),
            models.CheckConstraint(
                condition=Q(price_minor=0) | Q(kind="goods", points__gt=0),
                name="reward_for_money_is_goods_for_points_too",
            ),
            models.CheckConstraint(
                condition=Q(seat_at__isnull=True) | Q(kind="seat"),
                name="reward_that_begins_is_a_seat",
            ),
            models.CheckConstraint(
                condition=Q(seat_until__isnull=True)
                | Q(seat_at__isnull=False, seat_until__gt=F("seat_at")),
                name="reward_is_over_after_it_begins",
                violation_error_message=_("It is over after it begins."),
            ),
        ]
        indexes = [
            models.Index(
                fields=["points", "id"],
                name="reward_on_offer",
                condition=Q(is_active=True),
            )
        ]

    def __str__(self):
        return self.label

    @property
    def story(self) -> str:
        """Return the description in the language of this request."""
        return in_request_language(self.text, self.text_en)

    @property
    def where(self) -> str:
        """Return the place of a seat in the language of this request."""
        return in_request_language(self.place, self.place_en)

    @property
    def left(self) -> int | None:
        """Return how many pieces are left; None is as many as are asked for."""
        return None if self.stock is None else self.stock - self.taken


class RewardPrice(models.Model):
    """A row of a reward's price table: rows are tested in order, the first wins."""

    reward = models.ForeignKey(
        Reward,
        on_delete=models.CASCADE,
        related_name="prices",
        verbose_name=_("reward"),
        db_index=False,
    )
    position = models.PositiveSmallIntegerField(_("tested as number"))
    #: A mark, such as ``tier:gold``; empty is everybody.
    audience = models.CharField(_("for whom"), max_length=60, blank=True)
    condition = models.JSONField(_("and only if"), default=dict, blank=True)
    points = models.PositiveIntegerField(_("price in points"))
    price_minor = models.PositiveBigIntegerField(
        _("and in money"), default=0, db_default=0
    )

    class Meta:
        verbose_name = _("price of a reward")
        verbose_name_plural = _("prices of a reward")
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["reward", "position"], name="reward_price_once_per_number"
            ),
            models.CheckConstraint(
                condition=Q(price_minor=0) | Q(points__gt=0),
                name="reward_price_in_money_is_in_points_too",
            ),
        ]

    def __str__(self):
        return f"{self.position}: {self.points}"


class RewardRedemption(models.Model):
    """A member took a reward for points: what was promised, and how far it is.

    ``terms`` are a copy of what the reward said that day. ``source`` makes retries
    harmless (X1). What costs money, too, has an ``order`` that holds the points, is
    paid, sent and refunded as every order; here stands only what came of it.
    """

    class State(models.TextChoices):
        """See ``loyalty.rules.rewards`` for the allowed moves."""

        UNPAID = "unpaid", pgettext_lazy("redemption", "to be paid")
        REQUESTED = "requested", _("to be sent")
        FULFILLED = "fulfilled", pgettext_lazy("redemption", "given")
        ADMITTED = "admitted", pgettext_lazy("redemption", "let in")
        SHIPPED = "shipped", pgettext_lazy("redemption", "sent")
        DELIVERED = "delivered", pgettext_lazy("redemption", "delivered")
        CANCELLED = "cancelled", pgettext_lazy("redemption", "cancelled")
        REFUNDED = "refunded", _("given back")

    public_id = PublicIdField(prefix="rdm")
    reward = models.ForeignKey(
        Reward,
        on_delete=models.PROTECT,
        related_name="redemptions",
        verbose_name=_("reward"),
        db_index=False,
    )
    member = models.ForeignKey(
        "members.Member",
        on_delete=models.PROTECT,
        related_name="redemptions",
        verbose_name=_("member"),
        db_index=False,
    )
    kind = models.CharField(_("kind"), max_length=20)
    state = models.CharField(_("state"), max_length=10, choices=State)
    points = models.PositiveIntegerField(_("points"))
    price_minor = models.PositiveBigIntegerField(
        _("and in money"), default=0, db_default=0
    )
    #: What the money was paid by; None where there was none to pay.
    order = models.OneToOneField(
        "orders.Order",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="redemption",
        verbose_name=_("order"),
    )
    terms = models.JSONField(_("terms"), default=dict)
    #: What the member got, as its kind names it: ``cpn_…``, ``wle_…``, ``ben_…``, or
    #: the ticket of a seat: who shows it is let in.
    result = models.CharField(_("result"), max_length=80, blank=True)
    source = models.CharField(_("source"), max_length=80, unique=True)
    address = models.ForeignKey(
        "members.Address",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("address"),
    )
    carrier = models.CharField(_("carrier"), max_length=60, blank=True)
    tracking = models.CharField(_("tracking number"), max_length=80, blank=True)
    requested_at = models.DateTimeField(_("requested at"))
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    #: Exclusive: until then it may be given back; None is never.
    refundable_until = models.DateTimeField(
        _("may be given back until"), null=True, blank=True
    )
    shipped_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    delivered_at = models.DateTimeField(_("delivered at"), null=True, blank=True)
    admitted_at = models.DateTimeField(_("let in at"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("redemption of a reward")
        verbose_name_plural = _("redemptions of rewards")
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at__isnull=False, state__in=["cancelled", "refunded"])
                | Q(ended_at__isnull=True) & ~Q(state__in=["cancelled", "refunded"]),
                name="redemption_ended_has_its_moment",
            ),
            models.CheckConstraint(
                condition=Q(admitted_at__isnull=False, state="admitted")
                | Q(admitted_at__isnull=True) & ~Q(state="admitted"),
                name="redemption_let_in_has_its_moment",
            ),
            models.UniqueConstraint(
                fields=["result"],
                name="redemption_ticket_is_one_seat",
                condition=Q(kind="seat"),
            ),
            # Within the transaction that orders it, and nowhere else.
            models.UniqueConstraint(
                fields=["member"],
                name="redemption_being_ordered_is_the_only_one",
                condition=Q(state="unpaid", order__isnull=True),
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at", "id"],
                name="redemption_to_be_sent",
                condition=Q(state="requested"),
            ),
            models.Index(
                fields=["-requested_at", "-id"], name="redemption_newest_first"
            ),
            models.Index(
                fields=["member", "-requested_at", "-id"], name="redemption_by_member"
            ),
            models.Index(
                fields=["reward", "member"], name="redemption_counted_per_member"
            ),
            models.Index(
                fields=["state", "-requested_at", "-id"], name="redemption_by_state"
            ),
        ]

    def __str__(self):
        return self.public_id

    @property
    def label(self) -> str:
        """Return what was promised, in the language of this request."""
        return in_request_language(self.terms["name"], self.terms["name_en"])

    @property
    def ticket(self) -> str:
        """Return what opens the door to a seat; empty for all other kinds."""
        return self.result if self.kind == "seat" else ""

    @property
    def seat_at(self) -> datetime | None:
        """Return when it begins, as was promised; None for what is no seat."""
        told = self.terms.get("seat_at")
        return datetime.fromisoformat(told) if told else None

    @property
    def where(self) -> str:
        """Return the promised place of a seat in the language of this request."""
        place, english = self.terms.get("place", ""), self.terms.get("place_en", "")
        return in_request_language(place, english)
