"""What a member is worth: sums with every order and refund, scores at night."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _


class RfmSegment(models.TextChoices):
    """What a pair of scores is called; see ``loyalty.rules.rfm``."""

    CHAMPIONS = "champions", _("champions")
    LOYAL = "loyal", _("loyal buyers")
    POTENTIAL = "potential", _("potential loyal buyers")
    NEW = "new", _("new buyers")
    PROMISING = "promising", _("promising")
    ATTENTION = "attention", _("need attention")
    FADING = "fading", _("fading")
    AT_RISK = "at_risk", _("at risk")
    CANNOT_LOSE = "cannot_lose", _("too good to lose")
    LOST = "lost", _("lost buyers")


class MemberValue(models.Model):
    """Orders of a member in five numbers; refunds are already taken off.

    Written in the transaction that books an order's points, so lists and segments
    never add up orders.
    """

    member = models.OneToOneField(
        "members.Member",
        on_delete=models.PROTECT,
        primary_key=True,
        related_name="value",
    )
    orders = models.PositiveIntegerField(_("orders"), default=0)
    net_minor = models.BigIntegerField(_("lifetime spend"), default=0)
    first_order_at = models.DateTimeField(_("first order"), null=True, blank=True)
    last_order_at = models.DateTimeField(_("last order"), null=True, blank=True)

    class Meta:
        verbose_name = _("member value")
        verbose_name_plural = _("member values")
        indexes = [
            models.Index(fields=["-net_minor", "member"], name="member_value_top"),
            models.Index(fields=["last_order_at", "member"], name="member_value_last"),
        ]

    def __str__(self):
        return f"{self.member_id}: {self.net_minor}"


class ScoreMonth(models.Model):
    """What one month of scores is measured by, and what the shop looks like by them.

    Bounds and model come from the first scoring of the month and stay; ``grid`` and
    ``amounts`` are those of the last. It names nobody.
    """

    month = models.DateField(_("month"), primary_key=True)
    scored_on = models.DateField(_("as of the end of"))
    scored_at = models.DateTimeField(_("computed at"))
    buyers = models.PositiveIntegerField(_("buyers"))
    #: Four bounds each, see ``loyalty.rules.rfm``.
    recency_bounds = ArrayField(models.IntegerField(), verbose_name=_("days"))
    frequency_bounds = ArrayField(models.IntegerField(), verbose_name=_("orders"))
    money_bounds = ArrayField(models.BigIntegerField(), verbose_name=_("spend"))
    #: Parameters by name (``loyalty.rules.lifetime_value``), or nothing.
    model = models.JSONField(_("model"), null=True, blank=True)
    #: Why there is no model: a code, empty where there is one.
    silence = models.CharField(_("why no forecast"), max_length=20, blank=True)
    #: ``[recency, worth, buyers, net_minor]`` of every cell with somebody in it.
    grid = models.JSONField(_("grid"), default=list)
    #: ``[from_minor, buyers]``: lifetime spend in bands, the lowest from None.
    amounts = models.JSONField(_("lifetime spend"), default=list)
    #: What all buyers together are expected to spend in 365 days.
    expected_minor = models.BigIntegerField(
        _("spend expected in 365 days"), null=True, blank=True
    )

    class Meta:
        verbose_name = _("month of member value")
        verbose_name_plural = _("months of member value")

    def __str__(self):
        return f"{self.month:%Y-%m}"


class MemberScore(models.Model):
    """What is known of a buyer as of the last scoring; who never bought has none.

    Written at night and left alone where nothing changed.
    """

    member = models.OneToOneField(
        "members.Member",
        on_delete=models.PROTECT,
        primary_key=True,
        related_name="score",
    )
    recency = models.PositiveSmallIntegerField(_("recency score"))
    frequency = models.PositiveSmallIntegerField(_("frequency score"))
    money = models.PositiveSmallIntegerField(_("money score"))
    segment = models.CharField(_("RFM segment"), max_length=12, choices=RfmSegment)
    #: Median of the days between purchases; empty for too few of them.
    interval_days = models.PositiveIntegerField(
        _("usual days between purchases"), null=True, blank=True
    )
    #: Start of the day of the shop on which the next purchase is expected.
    due_at = models.DateTimeField(_("next purchase expected"), null=True, blank=True)
    #: Forecasts; all empty where the shop's history does not carry any.
    alive_bp = models.PositiveSmallIntegerField(
        _("chance of still buying"), null=True, blank=True
    )
    #: Thousandths of a purchase.
    purchases_90_milli = models.PositiveIntegerField(
        _("purchases expected in 90 days"), null=True, blank=True
    )
    purchases_365_milli = models.PositiveIntegerField(
        _("purchases expected in 365 days"), null=True, blank=True
    )
    value_365_minor = models.BigIntegerField(
        _("spend expected in 365 days"), null=True, blank=True
    )

    class Meta:
        verbose_name = _("member score")
        verbose_name_plural = _("member scores")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    recency__range=(1, 5), frequency__range=(1, 5), money__range=(1, 5)
                ),
                name="member_score_is_one_to_five",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    alive_bp__isnull=True,
                    purchases_90_milli__isnull=True,
                    purchases_365_milli__isnull=True,
                    value_365_minor__isnull=True,
                )
                | models.Q(
                    alive_bp__lte=10_000,
                    purchases_90_milli__isnull=False,
                    purchases_365_milli__isnull=False,
                    value_365_minor__gte=0,
                ),
                name="member_score_forecasts_all_or_nothing",
            ),
        ]
        indexes = [models.Index(fields=["segment", "member"], name="score_by_segment")]

    def __str__(self):
        return f"{self.member_id}: {self.recency}{self.frequency}{self.money}"


class PastScore(models.Model):
    """The scores of a buyer at the last scoring of a month."""

    member = models.ForeignKey(
        "members.Member",
        on_delete=models.PROTECT,
        related_name="past_scores",
        db_index=False,
    )
    month = models.DateField(_("month"))
    recency = models.PositiveSmallIntegerField(_("recency score"))
    frequency = models.PositiveSmallIntegerField(_("frequency score"))
    money = models.PositiveSmallIntegerField(_("money score"))
    segment = models.CharField(_("RFM segment"), max_length=12, choices=RfmSegment)

    class Meta:
        verbose_name = _("score of a month")
        verbose_name_plural = _("scores of months")
        constraints = [
            models.UniqueConstraint(
                fields=["member", "month"], name="past_score_once_a_month"
            )
        ]

    def __str__(self):
        return f"{self.member_id} {self.month:%Y-%m}"
