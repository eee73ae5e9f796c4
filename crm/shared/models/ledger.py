"""What the entries of every ledger have in common."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class LedgerEntry(models.Model):
    """One movement in a book, never changed: ``crm.shared.append_only`` sees to it.

    ``seq`` is the serial order of its account. ``source`` names the cause, such as
    ``order:ord_01J…``, and makes retries harmless. ``reason`` and ``actor`` (login name
    or program) say why and by whom, where a person decided.
    """

    seq = models.BigIntegerField(_("number"))
    source = models.CharField(_("source"), max_length=80)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    actor = models.CharField(_("actor"), max_length=80, blank=True)
    occurred_at = models.DateTimeField(_("occurred at"))

    class Meta:
        abstract = True
