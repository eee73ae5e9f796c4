"""Saved views: a name for a filter of a list."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class SavedView(models.Model):
    """A tab over a list: the query string its owner saved."""

    owner = models.ForeignKey(
        "members.User",
        on_delete=models.CASCADE,
        related_name="saved_views",
        db_index=False,
    )
    #: ``app_label.model`` of the list.
    model = models.CharField(max_length=80)
    name = models.CharField(_("name"), max_length=60)
    query = models.CharField(_("filter"), max_length=500, blank=True)
    is_shared = models.BooleanField(
        _("shared"), default=False, help_text=_("Everybody who sees the list sees it.")
    )
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "model", "name"], name="saved_view_once_per_name"
            )
        ]

    def __str__(self):
        return self.name
