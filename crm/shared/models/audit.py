"""Who did what, and the chain that shows when somebody changed that."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class AuditEntry(models.Model):
    """One deed of staff, a member or a program. Append only, no personal data.

    Nothing refers to other tables: an entry outlives its actor and its object.
    """

    at = models.DateTimeField(_("time"))
    actor_id = models.BigIntegerField(_("login"), null=True, blank=True)
    actor = models.CharField(
        _("who"), max_length=150, help_text=_("Name of the login or of the program.")
    )
    action = models.CharField(
        _("action"), max_length=80, help_text=_("For example points.adjust.")
    )
    object_type = models.CharField(_("kind"), max_length=80, blank=True)
    object_id = models.CharField(_("object"), max_length=80, blank=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    detail = models.JSONField(_("detail"), default=dict, blank=True)
    request_id = models.CharField(_("request"), max_length=64, blank=True)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        indexes = [
            models.Index(fields=["-at", "-id"], name="audit_newest_first"),
            models.Index(
                fields=["object_type", "object_id", "-id"], name="audit_by_object"
            ),
            # For the search, which asks all three at once.
            models.Index(fields=["object_id", "-id"], name="audit_object_id"),
            models.Index(fields=["action", "-id"], name="audit_action"),
            models.Index(fields=["actor", "-id"], name="audit_actor"),
            models.Index(fields=["actor_id", "-id"], name="audit_by_actor"),
        ]

    def __str__(self):
        return f"{self.action} {self.object_id}".strip()


class AuditSeal(models.Model):
    """One link of the chain over the audit entries. Append only.

    ``digest`` is SHA-256 over the digest before it, this link and the entry, so
    changing, removing or reordering one entry breaks every later link.
    """

    position = models.BigIntegerField(primary_key=True)
    entry_id = models.BigIntegerField(unique=True)
    previous = models.BinaryField()
    digest = models.BinaryField()
    sealed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("audit seal")
        verbose_name_plural = _("audit seals")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(position__gte=1), name="audit_seal_counts_from_one"
            )
        ]

    def __str__(self):
        return f"{self.position}:{bytes(self.digest).hex()}"
