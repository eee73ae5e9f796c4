"""How points are earned: rules, what their caps have let through, and check-ins."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.shared.bilingual import Bilingual
from loyalty.models.currency import VALUE


class EarningRule(Bilingual, models.Model):
    """One way to earn points, valid ``[starts_at, ends_at)``: configuration.

    ``condition`` is a tree of the one grammar over ``loyalty.earning_vocabulary``;
    entries keep the code and the numbers of the day, so a rule may change.
    """

    class Occasion(models.TextChoices):
        """What has to happen."""

        ORDER = "order", _("a paid order")
        JOINED = "joined", _("joining")
        PROFILE = "profile", _("a complete profile")
        BIRTHDAY = "birthday", _("a birthday")
        CHECK_IN = "check_in", _("a check-in")
        REVIEW = "review", _("a published review")
        INVITE = "invite", _("an invitation accepted")
        SHARE = "share", _("sharing")
        SURVEY = "survey", _("a survey answered")
        ATTENDANCE = "attendance", _("coming to an event")

    class Award(models.TextChoices):
        """How the points are counted."""

        PER_AMOUNT = "per_amount", _("points for every so much money")
        PER_UNIT = "per_unit", _("points for every unit")
        PER_ORDER = "per_order", _("points for an order")
        FIXED = "fixed", _("points for an event")
        DYNAMIC = "dynamic", _("points times the number told with an event")
        LADDER = "ladder", _("points by the day of a streak")
        MULTIPLIER = "multiplier", _("more on the basic points")

    class Role(models.TextChoices):
        """How it stands beside other rules (P8)."""

        BEST = "best", _("basic: of several the highest counts")
        ADDED = "added", _("basic: added to the others")
        BONUS = "bonus", _("bonus: on top, not multiplied")

    class Period(models.TextChoices):
        """Over which time the cap of a member counts (P24)."""

        DAY = "day", pgettext_lazy("earning cap", "a day")
        WEEK = "week", pgettext_lazy("earning cap", "a week")
        MONTH = "month", pgettext_lazy("earning cap", "a month")
        YEAR = "year", pgettext_lazy("earning cap", "a year")
        EVER = "ever", pgettext_lazy("earning cap", "in all")

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)
    name_en = models.CharField(_("English name"), max_length=120, blank=True)
    occasion = models.CharField(
        _("earned by"), max_length=12, choices=Occasion, default=Occasion.ORDER
    )
    award = models.CharField(
        _("award"), max_length=12, choices=Award, default=Award.PER_AMOUNT
    )
    role = models.CharField(
        _("beside other rules"), max_length=6, choices=Role, default=Role.BEST
    )
    currency = models.ForeignKey(
        "loyalty.Currency",
        on_delete=models.PROTECT,
        to_field="code",
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("awards"),
        help_text=_("Empty are points; else so much of a currency that is counted."),
    )
    points = models.PositiveIntegerField(_("points"), default=0)
    per_minor = models.PositiveIntegerField(
        _("spend for it"),
        default=100,
        help_text=_("The points are given for every such amount paid."),
    )
    bonus_bp = models.IntegerField(
        _("more on the basic points"),
        default=0,
        help_text=_("In percent: 100 doubles them."),
    )
    ladder = ArrayField(
        models.PositiveIntegerField(),
        verbose_name=_("points by day of the streak"),
        default=list,
        blank=True,
        help_text=_("Separated by commas; the last one counts for all later days."),
    )
    condition = models.JSONField(_("condition"), default=dict, blank=True)
    starts_at = models.DateTimeField(_("valid from"), null=True, blank=True)
    ends_at = models.DateTimeField(_("valid until"), null=True, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    priority = models.IntegerField(
        _("priority"), default=0, help_text=_("Of equal ones the highest counts.")
    )
    member_cap = models.PositiveIntegerField(
        _("at most for one member"), null=True, blank=True
    )
    cap_period = models.CharField(
        _("counted over"), max_length=5, choices=Period, default=Period.DAY
    )
    budget = models.PositiveBigIntegerField(
        _("at most for all members"), null=True, blank=True
    )

    class Meta:
        verbose_name = _("earning rule")
        verbose_name_plural = _("earning rules")
        ordering = ["occasion", "-priority", "code"]
        constraints = [
            models.CheckConstraint(
                condition=Q(per_minor__gt=0) & Q(bonus_bp__gte=-10000),
                name="earning_rule_numbers_make_sense",
            ),
            models.CheckConstraint(
                condition=Q(starts_at__isnull=True)
                | Q(ends_at__isnull=True)
                | Q(ends_at__gt=F("starts_at")),
                name="earning_rule_ends_after_it_starts",
            ),
            # Qualifying value is what was paid, and no rule changes that (T1).
            models.CheckConstraint(
                condition=Q(currency__isnull=True) | ~Q(currency=VALUE),
                name="earning_rule_leaves_qualifying_value",
            ),
        ]

    def __str__(self):
        return self.label

    @property
    def is_capped(self) -> bool:
        """Whether points of it are counted against a cap."""
        return self.member_cap is not None or self.budget is not None


class EarningTally(models.Model):
    """Points a rule gave a member in a period, or all members (``member`` empty).

    What is taken back later stays counted: a cap is not given back (P21).
    """

    rule = models.ForeignKey(
        EarningRule,
        on_delete=models.PROTECT,
        related_name="tallies",
        db_index=False,
    )
    member = models.ForeignKey(
        "members.Member", on_delete=models.PROTECT, null=True, related_name="+"
    )
    #: First day of the period, in the shop's zone; see ``loyalty.rules.caps``.
    period = models.DateField()
    points = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        verbose_name = _("points counted against a cap")
        verbose_name_plural = _("points counted against caps")
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "member", "period"],
                name="earning_tally_once_per_period",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(points__gte=0), name="earning_tally_is_not_negative"
            ),
        ]

    def __str__(self):
        return f"{self.rule_id} {self.member_id or '*'} {self.period}: {self.points}"


class CheckIn(models.Model):
    """A member looked in on a day of the shop's zone; ``streak`` days in a row."""

    member = models.ForeignKey(
        "members.Member",
        on_delete=models.PROTECT,
        related_name="check_ins",
        verbose_name=_("member"),
        db_index=False,
    )
    day = models.DateField(_("day"))
    streak = models.PositiveIntegerField(_("days in a row"))

    class Meta:
        verbose_name = _("check-in")
        verbose_name_plural = _("check-ins")
        constraints = [
            models.UniqueConstraint(
                fields=["member", "day"], name="check_in_once_a_day"
            )
        ]

    def __str__(self):
        return f"{self.member_id} {self.day}: {self.streak}"
