"""Which tiers there are, and over which time they are earned: configuration."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.shared.bilingual import Bilingual


class Ladder(models.Model):
    """A sequence of tiers and the window over which they are earned."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=80)
    window_days = models.PositiveIntegerField(
        _("counted over days"),
        null=True,
        blank=True,
        help_text=_("Empty counts the whole membership."),
    )

    class Meta:
        verbose_name = _("tier ladder")
        verbose_name_plural = _("tier ladders")

    def __str__(self):
        return self.name


class Tier(Bilingual, models.Model):
    """One rung: reached at ``threshold_minor`` of qualifying value (T3)."""

    ladder = models.ForeignKey(
        Ladder,
        on_delete=models.PROTECT,
        related_name="tiers",
        verbose_name=_("tier ladder"),
    )
    code = models.SlugField(_("code"), max_length=40)
    name = models.CharField(_("name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=60, blank=True)
    threshold_minor = models.BigIntegerField(_("threshold"))
    multiplier_bp = models.PositiveIntegerField(
        _("points multiplier"),
        default=10000,
        help_text=_("In basis points: 15000 means 1.5 times."),
    )
    color = models.CharField(_("colour"), max_length=7, default="#64748b")

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
                name="tier_has_one_threshold_per_ladder",
            ),
            models.CheckConstraint(
                condition=Q(threshold_minor__gte=0) & Q(multiplier_bp__gt=0),
                name="tier_numbers_are_positive",
            ),
        ]

    def __str__(self):
        return self.label
