"""How points are earned and spent: configuration."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Program(models.Model):
    """The points program of the shop: one row.

    One point is earned for every ``minor_per_point`` of money paid for goods and is
    worth ``redeem_minor_per_100`` / 100 minor units when spent.
    """

    class ClawBack(models.TextChoices):
        """What to do when a refund takes back more points than are left (P16)."""

        PENDING = "pending", _("take pending points only, waive the rest")
        TO_ZERO = "to_zero", _("take what is there, waive the rest")
        DEBT = "debt", _("owe the rest")
        DEDUCT = "deduct", _("deduct the rest from the refund, or owe it")

    singleton = models.BooleanField(default=True, editable=False, unique=True)
    name = models.CharField(_("name"), max_length=80)
    minor_per_point = models.PositiveIntegerField(
        _("spend for one point"),
        default=100,
        help_text=_("In minor units: 100 means one point per 1.00 paid."),
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
        help_text=_("In minor units: 100 means 100 points pay 1.00."),
    )
    redeem_step = models.PositiveIntegerField(_("spend in steps of"), default=100)
    redeem_max_bp = models.PositiveIntegerField(
        _("at most this share of an order"),
        default=5000,
        help_text=_("In basis points: 5000 means half."),
    )
    profile_points = models.PositiveIntegerField(
        _("points for a complete profile"),
        default=0,
        help_text=_("Granted once per member; 0 grants nothing."),
    )
    review_points = models.PositiveIntegerField(
        _("points for a review"),
        default=0,
        db_default=0,
        help_text=_("Granted once per line of an order; the stars play no part."),
    )
    review_picture_points = models.PositiveIntegerField(
        _("more points with pictures"),
        default=0,
        db_default=0,
        help_text=_("Added when the review shows at least one picture."),
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
                condition=Q(minor_per_point__gt=0) & Q(redeem_step__gt=0),
                name="program_rates_are_positive",
            ),
            models.CheckConstraint(
                condition=Q(redeem_max_bp__lte=10000), name="program_share_is_a_share"
            ),
        ]

    def __str__(self):
        return self.name
