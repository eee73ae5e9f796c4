"""Pairs of members who may be one person, and what they were found by."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from crm.shared.public_ids import PublicIdField


class MatchKeys(models.Model):
    """Fingerprints under which a member meets others who may be the same person.

    Each is keyed as a blind index is: equal for equal features, worthless without the
    index key. Made anew by every full search, so no rotation has to know them.
    """

    member = models.OneToOneField(
        "members.Member",
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="match_keys",
    )
    keys = ArrayField(models.BinaryField())
    #: ``Member.version`` the keys were made from; another one means: look again.
    version = models.PositiveIntegerField()

    class Meta:
        verbose_name = _("match keys")
        verbose_name_plural = _("match keys")
        indexes = [
            # A search writes and looks up in turn: what waited beside the index
            # would be read from end to end by every look-up.
            GinIndex(fields=["keys"], name="match_keys_shared", fastupdate=False)
        ]

    def __str__(self):
        return str(self.member_id)


class DuplicatePair(models.Model):
    """Two members who may be one, how likely, and what staff made of it.

    ``first`` is the older row. A pair is written once; whatever was decided stays.
    """

    class State(models.TextChoices):
        """What staff made of it."""

        OPEN = "open", _("to decide")
        DISMISSED = "dismissed", _("two people")
        MERGED = "merged", _("merged")

    public_id = PublicIdField(prefix="dup")
    first = models.ForeignKey(
        "members.Member",
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=_("first member"),
        db_index=False,
    )
    second = models.ForeignKey(
        "members.Member",
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=_("second member"),
    )
    #: Probability in percent that both are one person; see ``rules.duplicates``.
    score = models.PositiveSmallIntegerField(_("score"))
    #: Codes of ``members.rules.duplicates.REASONS``; they say no value.
    reasons = ArrayField(models.CharField(max_length=30), verbose_name=_("reasons"))
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.OPEN
    )
    found_at = models.DateTimeField(_("found at"))
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)

    class Meta:
        verbose_name = _("possible duplicate")
        verbose_name_plural = _("possible duplicates")
        constraints = [
            models.UniqueConstraint(
                fields=["first", "second"], name="duplicate_pair_once"
            ),
            models.CheckConstraint(
                condition=models.Q(first__lt=F("second")),
                name="duplicate_pair_is_ordered",
            ),
            models.CheckConstraint(
                condition=models.Q(score__range=(0, 100)),
                name="duplicate_pair_score_is_a_percentage",
            ),
        ]
        indexes = [
            models.Index(
                fields=["-state", "-score", "-id"], name="duplicate_pair_queue"
            ),
        ]

    def __str__(self):
        return self.public_id
