"""Why staff move points by hand: a short list that finance can group by (P27)."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class ReasonCode(models.TextChoices):
    """What staff choose; what exactly it was about says their note.

    Closed, so that the sums of months and shops can be compared.
    """

    GOODWILL = "goodwill", pgettext_lazy("reason code", "compensation or goodwill")
    MISSING = "missing", pgettext_lazy("reason code", "purchase that was not counted")
    CORRECTION = "correction", pgettext_lazy("reason code", "correction of an error")
    CAMPAIGN = "campaign", pgettext_lazy("reason code", "campaign outside the system")
    FRAUD = "fraud", pgettext_lazy("reason code", "fraud or abuse")
    MIGRATION = "migration", pgettext_lazy("reason code", "brought from another system")
    TEST = "test", pgettext_lazy("reason code", "test")
    OTHER = "other", pgettext_lazy("reason code", "other")


def reason_code_field() -> models.CharField:
    """Return the column; empty where no person did it, or before there were codes."""
    return models.CharField(
        _("reason code"),
        max_length=10,
        choices=ReasonCode,
        blank=True,
        default="",
        db_default="",
    )
