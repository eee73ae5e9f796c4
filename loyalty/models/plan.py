"""Paid membership: which plans there are, and what they cost for how long."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.shared.bilingual import Bilingual
from loyalty.rules.plans import Dunning


class Plan(Bilingual, models.Model):
    """A membership that is paid for, such as Tea Club.

    Whoever holds it carries the mark ``plan:<code>``: for prices and for benefits.
    """

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=60, blank=True)
    is_offered = models.BooleanField(
        _("offered"),
        default=True,
        help_text=_("Members who have a plan that is not offered keep it."),
    )
    multiplier_bp = models.PositiveIntegerField(
        _("points multiplier"),
        default=10000,
        help_text=_(
            "1.5 means 1.5 times as many. Of plan and tier the better one counts."
        ),
    )
    trial_days = models.PositiveSmallIntegerField(
        _("days of trial"),
        default=0,
        help_text=_("Free, once for each member; 0 is no trial."),
    )
    may_pause = models.BooleanField(_("may be paused"), default=True)
    grace_days = models.PositiveSmallIntegerField(
        _("days of grace"),
        default=7,
        help_text=_("So long after an unpaid end the plan still holds."),
    )
    attempts = models.PositiveSmallIntegerField(
        _("attempts to renew"),
        default=3,
        help_text=_("How often the money is asked for, the first time at the end."),
    )
    days_between = models.PositiveSmallIntegerField(
        _("days between attempts"), default=3
    )

    class Meta:
        verbose_name = _("paid plan")
        verbose_name_plural = _("paid plans")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=Q(multiplier_bp__gt=0)
                & Q(grace_days__gte=1)
                & Q(attempts__gte=1)
                & Q(days_between__gte=1),
                name="plan_numbers_are_positive",
            )
        ]

    def __str__(self):
        return self.label

    @property
    def mark(self) -> str:
        """Return what whoever holds it is known by."""
        return f"plan:{self.code}"

    @property
    def dunning(self) -> Dunning:
        """Return its terms as rules see them."""
        return Dunning(
            attempts=self.attempts,
            days_between=self.days_between,
            grace_days=self.grace_days,
        )


class PlanPrice(models.Model):
    """What a plan costs for a month, a quarter or a year: the price of its SKU.

    The SKU is of a product of the kind *plan*, so that carts, payments, refunds and
    reports know it as they know everything that is sold.
    """

    class Period(models.TextChoices):
        """For how long it is paid at once."""

        MONTH = "month", _("month")
        QUARTER = "quarter", _("quarter")
        YEAR = "year", _("year")

    plan = models.ForeignKey(
        Plan,
        on_delete=models.PROTECT,
        related_name="prices",
        verbose_name=_("plan"),
        db_index=False,
    )
    period = models.CharField(_("period"), max_length=10, choices=Period)
    variant = models.OneToOneField(
        "orders.Variant",
        on_delete=models.PROTECT,
        related_name="plan_price",
        verbose_name=_("SKU"),
        limit_choices_to={"product__kind": "plan"},
        help_text=_("Of a product of the kind “paid plan”; its list price is asked."),
    )

    class Meta:
        verbose_name = _("price of a plan")
        verbose_name_plural = _("prices of plans")
        ordering = ["plan", "period"]
        constraints = [
            models.UniqueConstraint(
                fields=["plan", "period"], name="plan_has_one_price_per_period"
            )
        ]

    def __str__(self):
        return self.get_period_display()

    @property
    def months(self) -> int:
        """Return how many months are paid at once."""
        return {"month": 1, "quarter": 3, "year": 12}[self.period]
