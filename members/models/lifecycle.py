"""What became of a membership, as a ledger, and its one reward."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from members.models.member import Member


class LifecycleChange(models.Model):
    """One move of a membership from state to state. Append only."""

    member = models.ForeignKey(
        "members.Member",
        on_delete=models.PROTECT,
        related_name="lifecycle",
        verbose_name=_("member"),
        db_index=False,
    )
    from_state = models.CharField(_("from"), max_length=10, choices=Member.State)
    to_state = models.CharField(_("to"), max_length=10, choices=Member.State)
    reason = models.CharField(
        _("reason"), max_length=200, help_text=_("Kept for good: name nobody in it.")
    )
    actor = models.CharField(_("who"), max_length=150)
    occurred_at = models.DateTimeField(_("occurred at"))

    class Meta:
        verbose_name = _("life-cycle change")
        verbose_name_plural = _("life-cycle changes")
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(from_state=models.F("to_state")),
                name="lifecycle_change_changes_something",
            )
        ]
        indexes = [
            models.Index(
                fields=["member", "-occurred_at", "-id"],
                name="lifecycle_newest_first",
            )
        ]

    def __str__(self):
        return f"{self.from_state} → {self.to_state}"


class ProfileCompletion(models.Model):
    """A member told everything for the first time. One row ever: one reward."""

    member = models.OneToOneField(
        "members.Member",
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="profile_completion",
        verbose_name=_("member"),
    )
    completed_at = models.DateTimeField(_("completed at"))

    class Meta:
        verbose_name = _("complete profile")
        verbose_name_plural = _("complete profiles")

    def __str__(self):
        return str(self.member_id)
