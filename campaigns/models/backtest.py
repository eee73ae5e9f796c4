"""Drafts replayed over orders of the past."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from campaigns.models.promotion import Promotion
from campaigns.rules.backtest_totals import Totals
from campaigns.rules.left_carts import CartTotals
from crm.shared.models import Job
from crm.shared.public_ids import PublicIdField

#: Days that can be looked back over.
SPANS = (7, 30, 90)


class Backtest(models.Model):
    """What a promotion would have done to the orders of some days.

    It keeps what was tried, since a draft goes on changing, and totals that know
    nobody: ids of orders are the most personal in them.
    """

    class State(models.TextChoices):
        """Where it stands: with its job, until it is done."""

        WAITING = "queued", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    public_id = PublicIdField(prefix="bkt")
    #: The one whose place it takes, where a change of something published was tried.
    promotion = models.ForeignKey(
        Promotion,
        on_delete=models.CASCADE,
        related_name="backtests",
        verbose_name=_("promotion"),
    )
    is_change = models.BooleanField(_("tried a change"), default=False)
    #: What was tried, as ``PromotionRevision`` keeps it, and the money of its budget.
    kind = models.CharField(_("kind"), max_length=20, choices=Promotion.Kind)
    recipe = models.JSONField(_("what it gives, and when"))
    terms = models.JSONField(_("terms"))
    budget_minor = models.BigIntegerField(_("budget"), null=True)
    #: Tells whether the draft has changed since (``drafting.digest_of``).
    digest = models.CharField(max_length=64)
    days = models.PositiveSmallIntegerField(_("days"))
    #: Orders placed from the one moment to before the other.
    since = models.DateTimeField(_("from"))
    until = models.DateTimeField(_("until"))
    #: ``rules.backtest_totals.Totals`` as JSON: of what was replayed so far.
    found = models.JSONField(_("result"), default=dict)
    #: ``rules.left_carts.CartTotals`` as JSON: of carts nobody ordered, never a cost.
    carts = models.JSONField(_("carts that were left"), default=dict)
    is_done = models.BooleanField(_("done"), default=False)
    job = models.ForeignKey(
        Job,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("background job"),
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("asked by"),
    )
    asked_at = models.DateTimeField(_("asked at"))

    class Meta:
        verbose_name = _("back-test")
        verbose_name_plural = _("back-tests")
        constraints = [
            models.CheckConstraint(
                condition=Q(days__in=list(SPANS)), name="backtest_is_over_offered_days"
            ),
            models.CheckConstraint(
                condition=Q(since__lt=F("until")), name="backtest_has_some_time"
            ),
        ]

    def __str__(self):
        return self.public_id

    @property
    def state(self) -> str:
        """Return where it stands; without a job that would finish it, it failed."""
        if self.is_done:
            return self.State.DONE
        return self.State.FAILED if self.job is None else self.job.state

    @property
    def totals(self) -> Totals:
        """Return what the orders replayed so far come to."""
        return Totals.of(self.found)

    @property
    def cart_totals(self) -> CartTotals:
        """Return what the carts replayed so far come to."""
        return CartTotals.of(self.carts)
