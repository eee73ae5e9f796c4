"""Members who became one, and all that is needed to part them again."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.shared.public_ids import PublicIdField


class Merge(models.Model):
    """One merge: the loser's rows went to the winner, and which ones they were.

    ``moved`` holds, per app, ids and whole numbers of what moved; ``fields`` the
    swapped fields with a keyed fingerprint of what the winner then had. No personal
    data stands here.
    """

    class State(models.TextChoices):
        """Whether it holds."""

        DONE = "done", _("merged")
        UNDONE = "undone", _("undone")

    public_id = PublicIdField(prefix="mrg")
    winner = models.ForeignKey(
        "members.Member",
        on_delete=models.PROTECT,
        related_name="merges",
        verbose_name=_("stays"),
    )
    loser = models.ForeignKey(
        "members.Member",
        on_delete=models.PROTECT,
        related_name="merged_by",
        verbose_name=_("goes"),
    )
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.DONE
    )
    #: State of the loser's membership before.
    loser_state = models.CharField(max_length=10)
    fields = models.JSONField(default=dict)
    moved = models.JSONField(default=dict)
    reason = models.CharField(_("reason"), max_length=200)
    actor = models.CharField(_("actor"), max_length=150)
    merged_at = models.DateTimeField(_("merged at"))
    undone_at = models.DateTimeField(_("undone at"), null=True, blank=True)

    class Meta:
        verbose_name = _("merge")
        verbose_name_plural = _("merges")
        constraints = [
            models.UniqueConstraint(
                fields=["loser"],
                condition=models.Q(state="done"),
                name="merge_loses_a_member_once",
            ),
            models.CheckConstraint(
                condition=~models.Q(winner=models.F("loser")),
                name="merge_joins_two_members",
            ),
        ]
        indexes = [
            models.Index(fields=["-merged_at", "-id"], name="merge_newest_first"),
            models.Index(
                fields=["-merged_at", "-id"],
                condition=models.Q(state="undone"),
                name="merge_undone",
            ),
        ]

    def __str__(self):
        return self.public_id
