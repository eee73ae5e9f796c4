"""Who has which paid plan, what was paid for it, and everything that happened."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crm.shared.public_ids import PublicIdField
from loyalty.rules.plans import HOLDING, OPEN, PaidDays


class SubscriptionQuerySet(models.QuerySet):
    """Filters that chain."""

    def open(self):
        """Return those that have not ended."""
        return self.filter(state__in=sorted(OPEN))

    def holding(self):
        """Return those whose members have what the plan gives."""
        return self.filter(state__in=sorted(HOLDING))


class Subscription(models.Model):
    """A plan of a member, from its first day to its end. One open for each member.

    ``ends_on`` is the first day that is not paid for. While it is paused,
    ``kept_days`` are what is left. ``price_minor`` is what every renewal costs: it
    stays what was agreed when the price of the plan changes.
    """

    class State(models.TextChoices):
        """See ``loyalty.rules.plans.State``."""

        TRIAL = "trial", _("on trial")
        ACTIVE = "active", _("active")
        PAUSED = "paused", _("paused")
        GRACE = "grace", _("in grace")
        ENDED = "ended", _("ended")

    public_id = PublicIdField(prefix="sub")
    member = models.ForeignKey(
        "members.Member",
        on_delete=models.PROTECT,
        related_name="subscriptions",
        verbose_name=_("member"),
        db_index=False,
    )
    plan = models.ForeignKey(
        "loyalty.Plan",
        on_delete=models.PROTECT,
        related_name="subscriptions",
        verbose_name=_("plan"),
    )
    price = models.ForeignKey(
        "loyalty.PlanPrice",
        on_delete=models.PROTECT,
        related_name="subscriptions",
        verbose_name=_("price of a plan"),
    )
    price_minor = models.BigIntegerField(_("price at renewal"))
    state = models.CharField(_("state"), max_length=10, choices=State)
    had_trial = models.BooleanField(_("began with a trial"), default=False)
    started_on = models.DateField(_("first day"))
    ends_on = models.DateField(_("paid until"))
    #: Day of the month on which its periods begin (X4).
    anchor_day = models.PositiveSmallIntegerField(editable=False)
    paused_on = models.DateField(_("paused on"), null=True, blank=True)
    kept_days = models.PositiveIntegerField(_("days kept"), null=True, blank=True)
    cancels = models.BooleanField(_("ends with its last day"), default=False)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    #: When the nightly round looks at it next; None while it is paused or ended.
    due_at = models.DateTimeField(null=True, blank=True, editable=False)
    tried = models.PositiveSmallIntegerField(_("attempts to renew"), default=0)
    renewal = models.OneToOneField(
        "orders.Order",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="renews",
        verbose_name=_("order of the renewal"),
    )
    #: Key of ``crm.wiring.PAYMENT_PROVIDERS``; empty asks the member to pay.
    provider = models.CharField(_("pays with"), max_length=40, blank=True)
    instrument = models.ForeignKey(
        "members.PaymentInstrument",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("payment instrument"),
    )

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        constraints = [
            models.UniqueConstraint(
                fields=["member"],
                condition=~Q(state="ended"),
                name="subscription_one_open_per_member",
            ),
            models.CheckConstraint(
                condition=Q(
                    state="paused", paused_on__isnull=False, kept_days__isnull=False
                )
                | (
                    ~Q(state="paused")
                    & Q(paused_on__isnull=True, kept_days__isnull=True)
                ),
                name="subscription_keeps_days_while_paused",
            ),
            models.CheckConstraint(
                condition=Q(state="ended", ended_at__isnull=False, due_at__isnull=True)
                | (~Q(state="ended") & Q(ended_at__isnull=True)),
                name="subscription_ends_once",
            ),
            models.CheckConstraint(
                condition=Q(price_minor__gte=0) & Q(ends_on__gte=F("started_on")),
                name="subscription_numbers_make_sense",
            ),
        ]
        indexes = [
            models.Index(fields=["member", "-id"], name="subscription_by_member"),
            models.Index(fields=["state", "-id"], name="subscription_by_state"),
            models.Index(
                fields=["due_at"],
                condition=Q(due_at__isnull=False),
                name="subscription_due",
            ),
            models.Index(
                fields=["ends_on"],
                condition=Q(state__in=["trial", "active", "grace"]),
                name="subscription_to_renew",
            ),
        ]

    def __str__(self):
        return self.public_id

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.state != self.State.ENDED


class SubscriptionPeriod(models.Model):
    """Days that were bought together, or tried for nothing. Append only.

    ``amount_minor`` is what paid its order line, money and points at their worth of
    that day, ``credit_minor`` what an earlier plan was worth when this one took its
    place. Pauses move days; what was bought stays
    as it is written here.
    """

    subscription = models.ForeignKey(
        Subscription,
        on_delete=models.PROTECT,
        related_name="periods",
        db_index=False,
    )
    #: None of a trial. Unique: news of a payment may come twice (X2).
    order_line = models.OneToOneField(
        "orders.OrderLine",
        on_delete=models.PROTECT,
        null=True,
        related_name="plan_period",
    )
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("until"))
    amount_minor = models.BigIntegerField(_("paid"))
    credit_minor = models.BigIntegerField(_("credited"), default=0)
    occurred_at = models.DateTimeField(_("occurred at"))

    class Meta:
        verbose_name = _("period of a subscription")
        verbose_name_plural = _("periods of subscriptions")
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_minor__gte=0)
                & Q(credit_minor__gte=0)
                & Q(ends_on__gte=F("starts_on")),
                name="subscription_period_is_not_negative",
            )
        ]
        indexes = [
            models.Index(fields=["subscription", "id"], name="subscription_periods")
        ]

    def __str__(self):
        return f"{self.subscription_id}: {self.starts_on} – {self.ends_on}"

    @property
    def days(self) -> int:
        """Return how many days were bought."""
        return (self.ends_on - self.starts_on).days

    def paid(self, *, refunded_days: int) -> PaidDays:
        """Return it as rules see it."""
        return PaidDays(
            id=self.pk,
            days=self.days - refunded_days,
            bought_days=self.days,
            value_minor=self.amount_minor + self.credit_minor,
        )


class SubscriptionMove(models.Model):
    """Something happened to a subscription. Append only.

    ``days`` are those that came or, negative, went by a refund of ``period``.
    """

    class Kind(models.TextChoices):
        """What happened."""

        STARTED = "started", _("started")
        PAID = "paid", _("paid")
        PAUSED = "paused", _("paused")
        RESUMED = "resumed", _("resumed")
        CANCELLED = "cancelled", _("set to end")
        KEPT = "kept", _("kept after all")
        PAYMENT_FAILED = "unpaid", _("renewal not paid")
        LAPSED = "lapsed", _("days over")
        REFUNDED = "refunded", _("refunded")
        CHANGED = "changed", _("changed to another plan")
        ENDED = "ended", _("ended")

    subscription = models.ForeignKey(
        Subscription,
        on_delete=models.PROTECT,
        related_name="moves",
        db_index=False,
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    from_state = models.CharField(
        _("from state"), max_length=10, choices=Subscription.State, blank=True
    )
    to_state = models.CharField(
        _("to state"), max_length=10, choices=Subscription.State
    )
    days = models.IntegerField(_("days"), default=0)
    period = models.ForeignKey(
        SubscriptionPeriod,
        on_delete=models.PROTECT,
        null=True,
        related_name="moves",
    )
    source = models.CharField(_("source"), max_length=80, blank=True)
    actor = models.CharField(_("actor"), max_length=80)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    occurred_at = models.DateTimeField(_("occurred at"))

    class Meta:
        verbose_name = _("move of a subscription")
        verbose_name_plural = _("moves of subscriptions")
        constraints = [
            models.UniqueConstraint(
                fields=["period", "source"],
                condition=Q(kind="refunded"),
                name="subscription_refunded_once_per_refund",
            )
        ]
        indexes = [
            models.Index(
                fields=["subscription", "-occurred_at", "-id"],
                name="subscription_history",
            )
        ]

    def __str__(self):
        return f"{self.kind} {self.subscription_id}"
