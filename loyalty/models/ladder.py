"""Which tiers there are, and how they are earned and kept: configuration."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.shared.bilingual import Bilingual
from crm.shared.public_ids import PublicIdField


def _names_its_currency(name: str) -> models.CheckConstraint:
    """Return the constraint that a currency is named where one is counted."""
    return models.CheckConstraint(
        condition=Q(metric="currency", currency__isnull=False)
        | (~Q(metric="currency") & Q(currency__isnull=True)),
        name=name,
        violation_error_message=_(
            "Name the currency where one is counted, and only there."
        ),
    )


class LadderRules(models.Model):
    """What a ladder counts, over which time, and how long a tier is good for."""

    class Metric(models.TextChoices):
        """What the thresholds are about; money in minor units."""

        VALUE = "value", _("qualifying value")
        SPEND = "spend", _("money paid, less refunds")
        POINTS = "points", _("points earned")
        ORDERS = "orders", _("number of orders")
        CURRENCY = "currency", _("a counted currency")
        NONE = "none", _("nothing: staff choose the members")

    class Window(models.TextChoices):
        """Over which time it is counted (T6)."""

        DAYS = "days", _("days up to now")
        MONTH = "month", _("calendar month")
        QUARTER = "quarter", _("calendar quarter")
        HALF = "half", _("half of the calendar year")
        YEAR = "year", _("calendar year")
        ANNIVERSARY = "anniversary", _("year of membership")

    class Term(models.TextChoices):
        """How long a tier is good for (T7)."""

        NONE = "none", _("as long as it is reached")
        END_OF_PERIOD = "end_of_period", _("to the end of the period")
        END_OF_NEXT = "end_of_next", _("to the end of the next period")
        MONTHS = "months", _("for months")

    class Period(models.TextChoices):
        """The periods at whose end terms end."""

        MONTH = "month", _("calendar month")
        QUARTER = "quarter", _("calendar quarter")
        HALF = "half", _("half of the calendar year")
        YEAR = "year", _("calendar year")
        ANNIVERSARY = "anniversary", _("year of membership")

    class Downgrade(models.TextChoices):
        """Where somebody lands who does not keep a tier (T8)."""

        MATCHING = "to_matching_tier", _("the tier that is reached")
        ONE_BELOW = "one_below", _("one tier lower")
        LOWEST = "lowest", _("the lowest tier")
        NEVER = "never", _("nowhere: it is kept for good")

    class LiftsOn(models.TextChoices):
        """When an order counts (T4)."""

        PAYMENT = "payment", _("when it is paid")
        DELIVERY = "delivery", _("when it is delivered")

    metric = models.CharField(
        _("thresholds count"),
        max_length=8,
        choices=Metric,
        default=Metric.VALUE,
        db_default=Metric.VALUE,
    )
    currency = models.ForeignKey(
        "loyalty.Currency",
        on_delete=models.PROTECT,
        to_field="code",
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("counted currency"),
    )
    window = models.CharField(
        _("counted over"),
        max_length=12,
        choices=Window,
        default=Window.DAYS,
        db_default=Window.DAYS,
    )
    window_days = models.PositiveIntegerField(
        _("counted over days"),
        null=True,
        blank=True,
        help_text=_("Empty counts the whole membership."),
    )
    term = models.CharField(
        _("a tier is good"),
        max_length=14,
        choices=Term,
        default=Term.NONE,
        db_default=Term.NONE,
    )
    period = models.CharField(
        _("period of terms"),
        max_length=12,
        choices=Period,
        default=Period.YEAR,
        db_default=Period.YEAR,
    )
    term_months = models.PositiveSmallIntegerField(
        _("months of a term"), default=12, db_default=12
    )
    downgrade = models.CharField(
        _("who does not keep a tier gets"),
        max_length=16,
        choices=Downgrade,
        default=Downgrade.MATCHING,
        db_default=Downgrade.MATCHING,
    )
    grace_days = models.PositiveSmallIntegerField(
        _("days of grace"),
        default=0,
        db_default=0,
        help_text=_("For so long after its term a tier may still be earned."),
    )
    protect_days = models.PositiveSmallIntegerField(
        _("days in which a refund undoes a lift"),
        null=True,
        blank=True,
        help_text=_("Empty is the whole term."),
    )
    notice_days = models.PositiveSmallIntegerField(
        _("tell members days before"),
        default=0,
        db_default=0,
        help_text=_("Before a term ends that is not earned again; 0 tells nobody."),
    )
    lifts_on = models.CharField(
        _("an order counts"),
        max_length=8,
        choices=LiftsOn,
        default=LiftsOn.PAYMENT,
        db_default=LiftsOn.PAYMENT,
    )
    gifts_of_skipped = models.BooleanField(
        _("gifts of tiers that were skipped, too"), default=False, db_default=False
    )
    yearly_gifts = models.BooleanField(
        _("gifts again in every calendar year"), default=False, db_default=False
    )

    class Meta:
        abstract = True

    @property
    def counts(self) -> str:
        """Return the name of what is counted: a metric, or the code of a currency."""
        return self.currency_id or self.metric


class RungRules(models.Model):
    """What reaches a tier, keeps it, and what it brings."""

    class Also(models.TextChoices):
        """What a second threshold may be about."""

        SPEND = "spend", _("money paid, less refunds")
        POINTS = "points", _("points earned")
        ORDERS = "orders", _("number of orders")

    name = models.CharField(_("name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=60, blank=True)
    threshold_minor = models.BigIntegerField(_("threshold"))
    keep_minor = models.BigIntegerField(
        _("threshold to keep it"),
        null=True,
        blank=True,
        help_text=_("Empty is the threshold."),
    )
    also_metric = models.CharField(
        _("second threshold counts"), max_length=8, choices=Also, blank=True, default=""
    )
    also_threshold = models.BigIntegerField(
        _("second threshold"), default=0, db_default=0
    )
    needs_both = models.BooleanField(
        _("both must be reached"), default=True, db_default=True
    )
    multiplier_bp = models.PositiveIntegerField(
        _("points multiplier"),
        default=10000,
        help_text=_("1.5 means 1.5 times as many."),
    )
    color = models.CharField(_("colour"), max_length=7, default="#64748b")

    class Meta:
        abstract = True


class Ladder(LadderRules):
    """A sequence of tiers, as it is in force now. Its versions change it."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=80)
    #: Until when all members were looked at by these terms; None looks at all again.
    looked_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("tier ladder")
        verbose_name_plural = _("tier ladders")
        constraints = [_names_its_currency("ladder_names_its_currency")]

    def __str__(self):
        return self.name


class Tier(Bilingual, RungRules):
    """One rung: reached at ``threshold_minor`` of what the ladder counts (T3)."""

    ladder = models.ForeignKey(
        Ladder,
        on_delete=models.PROTECT,
        related_name="tiers",
        verbose_name=_("tier ladder"),
        db_index=False,
    )
    code = models.SlugField(_("code"), max_length=40)
    #: Off the ladder since then; who holds it leaves it by T14.
    removed_at = models.DateTimeField(_("removed at"), null=True, editable=False)

    class Meta:
        verbose_name = _("tier")
        verbose_name_plural = _("tiers")
        ordering = ["ladder", "threshold_minor"]
        constraints = [
            models.UniqueConstraint(
                fields=["ladder", "code"], name="tier_has_one_code_per_ladder"
            ),
            models.UniqueConstraint(
                fields=["ladder", "threshold_minor"],
                condition=Q(removed_at=None),
                name="tier_has_one_threshold_per_ladder",
            ),
            models.CheckConstraint(
                condition=Q(threshold_minor__gte=0) & Q(multiplier_bp__gt=0),
                name="tier_numbers_are_positive",
            ),
        ]

    def __str__(self):
        return self.label


class LadderVersion(LadderRules):
    """A ladder as somebody wants it: a draft, then in force from a moment (T13)."""

    class State(models.TextChoices):
        """Only drafts can be changed; one version of a ladder is in force."""

        DRAFT = "draft", pgettext_lazy("ladder version", "draft")
        SCHEDULED = "scheduled", pgettext_lazy("ladder version", "scheduled")
        LIVE = "live", pgettext_lazy("ladder version", "in force")
        PAST = "past", pgettext_lazy("ladder version", "past")

    class Falls(models.TextChoices):
        """What becomes of members who do not reach the tier they hold."""

        AT_ONCE = "at_once", _("they fall when the version begins")
        AT_TERM_END = "at_term_end", _("they fall when their term ends")
        KEEP = "keep", _("they keep it to a date")

    public_id = PublicIdField(prefix="lvr")
    ladder = models.ForeignKey(
        Ladder,
        on_delete=models.PROTECT,
        related_name="versions",
        verbose_name=_("tier ladder"),
    )
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.DRAFT
    )
    note = models.CharField(_("note"), max_length=200, blank=True)
    falls = models.CharField(
        _("who does not reach the tier they hold"),
        max_length=12,
        choices=Falls,
        default=Falls.AT_TERM_END,
    )
    keep_until = models.DateTimeField(_("kept until"), null=True, blank=True)
    starts_at = models.DateTimeField(_("begins"), null=True, blank=True)
    #: When it began, and when every member was looked at.
    began_at = models.DateTimeField(null=True, editable=False)
    settled_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(_("written"))

    class Meta:
        verbose_name = _("version of a ladder")
        verbose_name_plural = _("versions of ladders")
        permissions = [("publish_ladderversion", "Can publish versions of ladders")]
        constraints = [
            models.UniqueConstraint(
                fields=["ladder"],
                condition=Q(state="live"),
                name="ladder_has_one_live_version",
            ),
            models.UniqueConstraint(
                fields=["ladder"],
                condition=Q(state="scheduled"),
                name="ladder_has_one_scheduled_version",
            ),
            models.CheckConstraint(
                condition=~Q(falls="keep") | Q(keep_until__isnull=False),
                name="ladder_version_keeps_until_a_date",
            ),
            _names_its_currency("ladder_version_names_its_currency"),
        ]

    def __str__(self):
        return f"{self.ladder} · {self.public_id}"


class VersionRung(Bilingual, RungRules):
    """One rung of a version; a tier of the same code is the same tier."""

    version = models.ForeignKey(
        LadderVersion,
        on_delete=models.CASCADE,
        related_name="rungs",
        db_index=False,
    )
    code = models.SlugField(_("code"), max_length=40)

    class Meta:
        verbose_name = _("tier of a version")
        verbose_name_plural = _("tiers of a version")
        ordering = ["version", "threshold_minor"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "code"], name="version_has_one_rung_per_code"
            ),
            models.CheckConstraint(
                condition=Q(threshold_minor__gte=0) & Q(multiplier_bp__gt=0),
                name="version_rung_numbers_are_positive",
            ),
        ]

    def __str__(self):
        return self.label
