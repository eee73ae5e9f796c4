"""Segments: members chosen by a condition, and who is in them now."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.shared.bilingual import Bilingual
from crm.shared.public_ids import PublicIdField


class Segment(Bilingual, models.Model):
    """Members for whom a condition holds, as of the last time it was asked.

    ``condition`` is a tree of the one grammar over members (ADR 0009). Who is in it is
    kept in rows, so that a price asks one index and not every order ever placed.
    """

    public_id = PublicIdField(prefix="seg")
    code = models.SlugField(
        _("code"),
        max_length=40,
        unique=True,
        help_text=_("Promotions and prices name the segment by it; it stays."),
    )
    name = models.CharField(_("name"), max_length=80)
    name_en = models.CharField(_("English name"), max_length=80, blank=True)
    condition = models.JSONField(_("condition"), default=dict)
    is_active = models.BooleanField(
        _("in use"),
        default=True,
        help_text=_("Off: nobody is in it any more, and it is not looked at again."),
    )
    #: Of the rows; None before the segment was first looked at.
    members_count = models.PositiveIntegerField(_("members"), null=True, editable=False)
    refreshed_at = models.DateTimeField(_("as of"), null=True, editable=False)

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        ordering = ["code"]

    def __str__(self):
        return self.label

    @property
    def mark(self) -> str:
        """Return how audiences name it."""
        return f"segment:{self.code}"


class SegmentMember(models.Model):
    """One member in one segment, and since when."""

    segment = models.ForeignKey(
        Segment,
        on_delete=models.CASCADE,
        related_name="in_it",
        verbose_name=_("segment"),
        db_index=False,
    )
    member = models.ForeignKey(
        "members.Member",
        on_delete=models.CASCADE,
        related_name="segments",
        verbose_name=_("member"),
        db_index=False,
    )
    since = models.DateTimeField(_("since"))

    class Meta:
        verbose_name = _("member of a segment")
        verbose_name_plural = _("members of segments")
        constraints = [
            models.UniqueConstraint(
                fields=["segment", "member"], name="segment_member_once"
            )
        ]
        indexes = [models.Index(fields=["member"], name="segment_member_by_member")]

    def __str__(self):
        return f"{self.segment_id} · {self.member_id}"
