"""Who brought whom."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class InvitationCode(models.Model):
    """What a member hands to friends. Made when it is first asked for."""

    member = models.OneToOneField(
        "members.Member",
        on_delete=models.CASCADE,
        related_name="invitation_code",
        verbose_name=_("member"),
    )
    code = models.CharField(_("code"), max_length=16, unique=True, db_collation="C")
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("invitation code")
        verbose_name_plural = _("invitation codes")

    def __str__(self):
        return str(self.pk)


class Invitation(models.Model):
    """One member joined with the code of another; once in a life."""

    inviter = models.ForeignKey(
        "members.Member",
        on_delete=models.PROTECT,
        related_name="invitations",
        verbose_name=_("inviter"),
    )
    invitee = models.OneToOneField(
        "members.Member",
        on_delete=models.PROTECT,
        related_name="invited_by",
        verbose_name=_("invited member"),
    )
    accepted_at = models.DateTimeField(_("accepted at"))

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        constraints = [
            models.CheckConstraint(
                condition=~Q(inviter=F("invitee")),
                name="invitation_is_for_somebody_else",
            )
        ]

    def __str__(self):
        return str(self.pk)
