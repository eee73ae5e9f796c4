"""What counts towards tiers, and every change of tier."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from loyalty.models.currency import VALUE


class QualifyingEntry(models.Model):
    """So much of a counted currency gained or lost. Append only, never spent (T1).

    The first currency is qualifying value (成长值), in minor units; others count whole
    units. ``occurred_at`` of a refund is the date of the *original* order (T2).
    """

    member = models.ForeignKey(
        "members.Member",
        on_delete=models.PROTECT,
        related_name="qualifying_entries",
        verbose_name=_("member"),
        db_index=False,
    )
    currency = models.ForeignKey(
        "loyalty.Currency",
        on_delete=models.PROTECT,
        to_field="code",
        default=VALUE,
        db_default=VALUE,
        db_index=False,
        related_name="+",
        verbose_name=_("counted currency"),
    )
    value_minor = models.BigIntegerField(_("value"))
    source = models.CharField(_("source"), max_length=80)
    occurred_at = models.DateTimeField(_("occurred at"))
    #: Of what rules awarded: those that counted, and what each line earned.
    trace = models.JSONField(_("calculation"), default=dict, db_default={})
    #: The award that is taken back.
    reverses = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        db_index=False,
        related_name="reversals",
    )

    class Meta:
        verbose_name = _("qualifying entry")
        verbose_name_plural = _("qualifying entries")
        constraints = [
            models.UniqueConstraint(
                fields=["member", "currency", "source"],
                name="qualifying_entry_once_per_source",
            )
        ]
        indexes = [
            models.Index(
                fields=["member", "currency", "occurred_at"],
                name="qualifying_entry_in_window",
                include=["value_minor"],
            ),
            # Written mostly in order of time: a page of it serves any day.
            BrinIndex(fields=["occurred_at"], name="qualifying_entry_by_time"),
            models.Index(
                fields=["reverses"],
                name="qualifying_entry_taken_back",
                condition=Q(reverses__isnull=False),
            ),
        ]

    def __str__(self):
        return f"{self.source}: {self.value_minor:+d} {self.currency_id}"


class TierChange(models.Model):
    """A member moved from one tier to another, and why. Append only."""

    member = models.ForeignKey(
        "members.Member",
        on_delete=models.PROTECT,
        related_name="tier_changes",
        verbose_name=_("member"),
        db_index=False,
    )
    from_tier = models.ForeignKey(
        "loyalty.Tier",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("from tier"),
    )
    to_tier = models.ForeignKey(
        "loyalty.Tier",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("to tier"),
    )
    value_minor = models.BigIntegerField(_("value counted"))
    reason = models.CharField(_("reason"), max_length=80)
    occurred_at = models.DateTimeField(_("occurred at"))

    class Meta:
        verbose_name = _("tier change")
        verbose_name_plural = _("tier changes")
        indexes = [
            models.Index(fields=["member", "-occurred_at", "-id"], name="tier_history")
        ]

    def __str__(self):
        return f"{self.from_tier or '–'} → {self.to_tier or '–'}"


class TierStanding(models.Model):
    """What a member holds on a ladder, for how long, and why it cannot change yet.

    Of the main ladder ``PointsAccount.tier`` is the tier and this row its terms; there
    is none where there is nothing to say. Of other ladders no row is no tier.
    """

    member = models.ForeignKey(
        "members.Member",
        on_delete=models.PROTECT,
        related_name="tier_standings",
        verbose_name=_("member"),
    )
    ladder = models.ForeignKey(
        "loyalty.Ladder",
        on_delete=models.PROTECT,
        related_name="standings",
        verbose_name=_("tier ladder"),
        db_index=False,
    )
    tier = models.ForeignKey(
        "loyalty.Tier",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("tier"),
    )
    since = models.DateTimeField(_("since"), null=True)
    #: Ends are exclusive.
    valid_until = models.DateTimeField(_("valid until"), null=True)
    grace_until = models.DateTimeField(_("grace until"), null=True)
    is_pinned = models.BooleanField(_("pinned"), default=False)
    pinned_until = models.DateTimeField(_("pinned until"), null=True)
    lifted_by = models.CharField(max_length=80, blank=True, default="")
    #: Tiers below the one held, by what each was come to; see ``loyalty.rules.lifts``.
    put_aside = models.JSONField(default=list, db_default=[])
    #: The end of the term the member was told about (T17).
    warned_of = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("standing on a ladder")
        verbose_name_plural = _("standings on ladders")
        constraints = [
            models.UniqueConstraint(
                fields=["ladder", "member"], name="standing_once_per_ladder"
            ),
        ]
        indexes = [
            models.Index(fields=["ladder", "valid_until"], name="standing_by_end"),
            models.Index(
                fields=["ladder", "pinned_until"],
                condition=models.Q(is_pinned=True),
                name="standing_by_end_of_pin",
            ),
        ]

    def __str__(self):
        return f"{self.member_id}: {self.tier_id or '–'}"
