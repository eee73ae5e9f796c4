"""Benefits: what tiers, plans and rules bring, how often, and every use of it."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.shared.bilingual import Bilingual, in_request_language
from crm.shared.public_ids import PublicIdField


class Benefit(Bilingual, models.Model):
    """One benefit. Who has it, how often and how much stands in its grants."""

    class Kind(models.TextChoices):
        """What it is; gifts and drips are given by the program itself."""

        FREE_FREIGHT = "free_freight", _("free delivery")
        BIRTHDAY_GIFT = "birthday_gift", _("birthday gift")
        UPGRADE_GIFT = "upgrade_gift", _("gift for a new tier")
        COUPON_DRIP = "coupon_drip", _("coupon every period")
        PRIORITY_SERVICE = "priority", _("priority service")
        EARLY_ACCESS = "early_access", _("early access, in hours")
        POINTS_TERM = "points_term", _("longer term of points, in months")
        CUSTOM = "custom", pgettext_lazy("benefit", "something else")

    class Period(models.TextChoices):
        """Over which uses are counted; all in the shop's zone."""

        MONTH = "month", _("calendar month")
        QUARTER = "quarter", _("calendar quarter")
        YEAR = "year", _("calendar year")
        CYCLE = "cycle", _("year of membership")

    #: Given by the program, once a period, as soon as they are due.
    GIFTS = (Kind.BIRTHDAY_GIFT, Kind.UPGRADE_GIFT, Kind.COUPON_DRIP)

    public_id = PublicIdField(prefix="ben")
    code = models.SlugField(_("code"), max_length=40, unique=True)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    name = models.CharField(_("name"), max_length=80)
    name_en = models.CharField(_("English name"), max_length=80, blank=True)
    text = models.TextField(_("description"), max_length=2_000, blank=True)
    text_en = models.TextField(_("English description"), max_length=2_000, blank=True)
    period = models.CharField(
        _("counted per"), max_length=8, choices=Period, default=Period.CYCLE
    )
    #: What gifts and drips give: a coupon by the public id of its template; points
    #: stand in the grants.
    template = models.CharField(_("coupon template"), max_length=40, blank=True)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("benefit")
        verbose_name_plural = _("benefits")
        constraints = [
            # Whoever moves their birthday would have another one with a shorter one.
            models.CheckConstraint(
                condition=~Q(kind="birthday_gift") | Q(period__in=["year", "cycle"]),
                name="benefit_birthday_once_a_year",
                violation_error_message=_(
                    "A birthday gift is counted per calendar year or year of "
                    "membership."
                ),
            )
        ]

    def __str__(self):
        return self.label

    @property
    def story(self) -> str:
        """Return the description in the language of this request."""
        return in_request_language(self.text, self.text_en)


class BenefitGrant(models.Model):
    """Who has a benefit, how often and how much.

    Whoever several grants are meant for has the better number of each, never the sum
    (T18).
    """

    benefit = models.ForeignKey(
        Benefit,
        on_delete=models.CASCADE,
        related_name="grants",
        verbose_name=_("benefit"),
    )
    #: A mark, such as ``tier:gold`` or ``plan:plus``; empty is everybody.
    audience = models.CharField(_("for whom"), max_length=60, blank=True)
    #: A condition of the one grammar over the member; {} asks nothing.
    condition = models.JSONField(_("and only if"), default=dict, blank=True)
    quota = models.PositiveSmallIntegerField(
        _("times per period"),
        null=True,
        blank=True,
        help_text=_("Empty is as often as wanted."),
    )
    number = models.PositiveIntegerField(
        _("how much"),
        default=0,
        help_text=_("Points of a gift, hours, months: what the kind says."),
    )

    class Meta:
        verbose_name = _("grant of a benefit")
        verbose_name_plural = _("grants of a benefit")
        ordering = ["id"]

    def __str__(self):
        return self.audience or "*"


class BenefitTally(models.Model):
    """How often a member used a benefit in a period: the lock of its quota (X5).

    ``bought`` uses came for points and stand beside what tiers and plans bring.
    """

    benefit = models.ForeignKey(
        Benefit, on_delete=models.PROTECT, related_name="tallies"
    )
    member = models.ForeignKey(
        "members.Member",
        on_delete=models.PROTECT,
        related_name="benefit_tallies",
        db_index=False,
    )
    #: The first day of the period, in the shop's zone.
    period_start = models.DateField(_("period from"))
    used = models.PositiveIntegerField(_("used"), default=0)
    bought = models.PositiveIntegerField(_("bought"), default=0)

    class Meta:
        verbose_name = _("count of uses")
        verbose_name_plural = _("counts of uses")
        constraints = [
            models.UniqueConstraint(
                fields=["member", "benefit", "period_start"],
                name="benefit_tally_once_per_period",
            )
        ]

    def __str__(self):
        return f"{self.benefit_id}: {self.used}"


class BenefitUse(models.Model):
    """A benefit was used once. ``source`` names the cause, such as ``order:ord_…``."""

    class State(models.TextChoices):
        """Given back once, with the order it was used for."""

        USED = "used", pgettext_lazy("use of a benefit", "used")
        RETURNED = "returned", pgettext_lazy("use of a benefit", "given back")

    public_id = PublicIdField(prefix="bus")
    benefit = models.ForeignKey(
        Benefit,
        on_delete=models.PROTECT,
        related_name="uses",
        verbose_name=_("benefit"),
        db_index=False,
    )
    member = models.ForeignKey(
        "members.Member",
        on_delete=models.PROTECT,
        related_name="benefit_uses",
        verbose_name=_("member"),
        db_index=False,
    )
    state = models.CharField(
        _("state"), max_length=8, choices=State, default=State.USED
    )
    period_start = models.DateField(_("period from"))
    #: Points of a gift; what it saved the member, in minor units.
    points = models.PositiveIntegerField(_("points"), default=0)
    saved_minor = models.PositiveBigIntegerField(_("saved"), default=0)
    source = models.CharField(_("source"), max_length=80)
    actor = models.CharField(_("actor"), max_length=80, blank=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    used_at = models.DateTimeField(_("used at"))
    returned_at = models.DateTimeField(_("given back at"), null=True, blank=True)

    class Meta:
        verbose_name = _("use of a benefit")
        verbose_name_plural = _("uses of benefits")
        constraints = [
            models.UniqueConstraint(
                fields=["benefit", "source"], name="benefit_use_once_per_source"
            ),
            models.CheckConstraint(
                condition=Q(state="used", returned_at__isnull=True)
                | Q(state="returned", returned_at__isnull=False),
                name="benefit_use_returned_has_its_moment",
            ),
        ]
        indexes = [
            models.Index(fields=["-used_at", "-id"], name="benefit_use_newest_first"),
            models.Index(fields=["member", "-used_at"], name="benefit_use_by_member"),
            # Orders that come to nothing ask for theirs.
            models.Index(
                fields=["source"],
                name="benefit_use_by_source",
                condition=Q(state="used"),
            ),
        ]

    def __str__(self):
        return self.public_id


class BenefitSanction(models.Model):
    """A benefit was taken away from a member for a time, by whom and why."""

    public_id = PublicIdField(prefix="bsn")
    benefit = models.ForeignKey(
        Benefit,
        on_delete=models.PROTECT,
        related_name="sanctions",
        verbose_name=_("benefit"),
    )
    member = models.ForeignKey(
        "members.Member",
        on_delete=models.PROTECT,
        related_name="benefit_sanctions",
        verbose_name=_("member"),
        db_index=False,
    )
    reason = models.CharField(_("reason"), max_length=200)
    actor = models.CharField(_("actor"), max_length=80)
    starts_at = models.DateTimeField(_("from"))
    #: Exclusive; None is for good.
    ends_at = models.DateTimeField(_("until"), null=True, blank=True)

    class Meta:
        verbose_name = _("sanction")
        verbose_name_plural = _("sanctions")
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gte=F("starts_at")),
                name="sanction_ends_after_it_starts",
            )
        ]
        indexes = [
            models.Index(fields=["member", "benefit"], name="sanction_by_member"),
            models.Index(fields=["-starts_at", "-id"], name="sanction_newest_first"),
        ]

    def __str__(self):
        return self.public_id
