"""What points are worth, and how long they last: configuration."""

from datetime import timedelta

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class Program(models.Model):
    """The points program of the shop: one row.

    What earns points says ``EarningRule``; here stands what counts as paid (P5), from
    when points can be spent (P9), and that one is worth ``redeem_minor_per_100`` / 100
    minor units.
    """

    class Activation(models.TextChoices):
        """From when points of an order can be spent (P9)."""

        AT_ONCE = "at_once", _("at once")
        AFTER_DAYS = "after_days", _("some days after the payment")
        AFTER_RETURNS = "after_returns", _("when the time for returns is over")

    class ClawBack(models.TextChoices):
        """What to do when a refund takes back more points than are left (P16)."""

        PENDING = "pending", _("take pending points only, waive the rest")
        TO_ZERO = "to_zero", _("take what is there, waive the rest")
        DEBT = "debt", _("owe the rest")
        DEDUCT = "deduct", _("deduct the rest from the refund, or owe it")

    singleton = models.BooleanField(default=True, editable=False, unique=True)
    name = models.CharField(_("name"), max_length=80)
    earns_on_freight = models.BooleanField(
        _("freight earns points"), default=False, db_default=False
    )
    earns_on_gift_cards = models.BooleanField(
        _("gift cards earn points"), default=False, db_default=False
    )
    earns_on_points = models.BooleanField(
        _("what points paid earns points"), default=False, db_default=False
    )
    activation = models.CharField(
        _("points of orders can be spent"),
        max_length=14,
        choices=Activation,
        default=Activation.AT_ONCE,
        db_default="at_once",
    )
    activation_days = models.PositiveSmallIntegerField(
        _("after so many days"),
        default=0,
        db_default=0,
        help_text=_("Counted from the payment."),
    )
    valid_months = models.PositiveSmallIntegerField(
        _("valid for months"),
        null=True,
        blank=True,
        default=24,
        help_text=_("Points last to the end of the day so many months after earning."),
    )
    redeem_minor_per_100 = models.PositiveIntegerField(
        _("value of 100 points"),
        default=100,
        help_text=_("What they pay, such as 1.00."),
    )
    redeem_step = models.PositiveIntegerField(_("spend in steps of"), default=100)
    redeem_max_bp = models.PositiveIntegerField(
        _("at most this share of an order"),
        default=5000,
        help_text=_("In percent: 50 means half of it."),
    )
    redeem_min_points = models.PositiveIntegerField(
        _("at least so many points at once"),
        default=0,
        db_default=0,
        help_text=_("Fewer are not spent on an order. 0: one step is enough."),
    )
    redeem_max_points = models.PositiveIntegerField(
        _("at most so many points of an order"),
        default=0,
        db_default=0,
        help_text=_("Beside the share. 0: as many as the share allows."),
    )
    redeems_freight = models.BooleanField(
        _("points pay for freight"), default=False, db_default=False
    )
    redeems_gift_cards = models.BooleanField(
        _("points pay for gift cards"), default=False, db_default=False
    )
    redeems_plans = models.BooleanField(
        _("points pay for paid plans"), default=False, db_default=False
    )
    takes_review_points_back = models.BooleanField(
        _("take review points back"),
        default=False,
        db_default=False,
        help_text=_("When the review is taken down, or all its units come back."),
    )
    claw_back = models.CharField(
        _("when a refund finds too few points"),
        max_length=10,
        choices=ClawBack,
        default=ClawBack.DEBT,
    )
    reinstate_days = models.PositiveSmallIntegerField(
        _("days to reinstate expired points"),
        default=0,
        db_default=0,
        help_text=_("So long after they expired staff may bring them back; 0: never."),
    )
    return_grace_days = models.PositiveSmallIntegerField(
        _("days that returned points last at least"),
        default=30,
        db_default=30,
        help_text=_(
            "Points that paid for what is refunded keep their end. Where it is past or "
            "nearer than so many days, they end so many days after the refund. 0: none "
            "last longer, and what has ended by then expires again at once."
        ),
    )
    transfer_max = models.PositiveIntegerField(
        _("points a member may pass on at once"),
        default=0,
        db_default=0,
        help_text=_("0: members pass no points on."),
    )
    transfer_month_max = models.PositiveIntegerField(
        _("points a member may pass on in a month"),
        default=0,
        db_default=0,
        help_text=_("A calendar month of the shop. 0: members pass no points on."),
    )
    transfer_rest_days = models.PositiveSmallIntegerField(
        _("days of rest after receiving points"),
        default=30,
        db_default=30,
        help_text=_(
            "So long whoever received points receives no others and passes none on."
        ),
    )

    class Meta:
        verbose_name = _("points program")
        verbose_name_plural = _("points program")
        constraints = [
            models.CheckConstraint(
                condition=Q(singleton=True), name="program_is_the_only_one"
            ),
            models.CheckConstraint(
                condition=Q(redeem_step__gt=0),
                name="program_rates_are_positive",
            ),
            models.CheckConstraint(
                condition=Q(redeem_max_bp__lte=10000), name="program_share_is_a_share"
            ),
            models.CheckConstraint(
                condition=Q(redeem_max_points=0)
                | Q(redeem_max_points__gte=F("redeem_min_points")),
                name="program_points_of_an_order_begin_below_their_end",
                violation_error_message=_(
                    "At most so many points must not be fewer than at least so many."
                ),
            ),
        ]

    def __str__(self):
        return self.name

    @property
    def return_grace(self) -> timedelta:
        """Return what points that were given back last at least (P20)."""
        return timedelta(days=self.return_grace_days)
