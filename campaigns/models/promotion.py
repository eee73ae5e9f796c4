"""Automatic reductions: spend-and-save (满减)."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crm.shared.bilingual import Bilingual
from crm.shared.public_ids import PublicIdField
from orders.models import AppliedOffer


class Promotion(Bilingual, models.Model):
    """An order promotion: from ``threshold`` off ``amount``, by rungs or repeating.

    ``rungs`` is ``[[threshold_minor, off_minor], …]`` rising in both (S13). With
    ``repeats`` the single rung applies for every full threshold, at most
    ``max_times`` times (S14).
    """

    class State(models.TextChoices):
        """Only live promotions are offered."""

        DRAFT = "draft", _("draft")
        LIVE = "live", _("live")
        PAUSED = "paused", _("paused")
        ENDED = "ended", _("ended")

    public_id = PublicIdField(prefix="prm")
    name = models.CharField(_("name"), max_length=120)
    name_en = models.CharField(_("English name"), max_length=120, blank=True)
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.DRAFT
    )
    rungs = models.JSONField(
        _("steps"),
        help_text=_("Pairs of threshold and reduction in minor units, rising."),
    )
    repeats = models.BooleanField(_("for every full threshold"), default=False)
    max_times = models.PositiveSmallIntegerField(_("at most times"), default=1)
    priority = models.SmallIntegerField(_("priority"), default=0)
    on_return = models.CharField(
        _("on partial return"),
        max_length=10,
        choices=AppliedOffer.OnReturn,
        default=AppliedOffer.OnReturn.KEEP,
        db_default=AppliedOffer.OnReturn.KEEP,
        help_text=_(
            "Price again: what is kept is priced under the offers of that day."
        ),
    )
    #: At most one promotion of a group applies to an order (S4).
    exclusive_group = models.CharField(
        _("exclusive group"), max_length=40, blank=True, default="order"
    )
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"), null=True, blank=True)
    limit_total = models.PositiveIntegerField(_("uses in all"), null=True, blank=True)
    used = models.PositiveIntegerField(_("used"), default=0)

    class Meta:
        verbose_name = _("promotion")
        verbose_name_plural = _("promotions")
        constraints = [
            models.CheckConstraint(
                condition=Q(limit_total__isnull=True) | Q(used__lte=F("limit_total")),
                name="promotion_used_is_within_limit",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="promotion_ends_after_it_starts",
            ),
        ]
        indexes = [
            models.Index(
                fields=["state", "starts_at", "ends_at"], name="promotion_live"
            )
        ]

    def __str__(self):
        return self.label


class PromotionVersion(models.Model):
    """A mark that changes whenever what promotions offer does: one row.

    Written by a trigger on the table of promotions, so whoever changes one changes
    it, in the same transaction. Never the same mark twice, also after a rollback.
    Uses are counted without changing it, until the last one is taken or comes back.
    """

    singleton = models.BooleanField(default=True, editable=False, unique=True)
    version = models.UUIDField(editable=False)

    class Meta:
        verbose_name = _("version of promotions")
        verbose_name_plural = _("versions of promotions")
        constraints = [
            models.CheckConstraint(
                condition=Q(singleton=True), name="promotion_version_is_the_only_one"
            )
        ]

    def __str__(self):
        return str(self.version)
