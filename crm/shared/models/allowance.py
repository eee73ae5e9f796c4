"""How often something was tried lately, and what rate limits of packages remember."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Allowance(models.Model):
    """How much of one allowance is used; ``mark`` says whose, keyed and unreadable."""

    mark = models.BinaryField(_("mark"), primary_key=True)
    used = models.PositiveIntegerField(_("used"))
    ends_at = models.DateTimeField(_("ends at"), db_index=True)

    class Meta:
        verbose_name = _("allowance")
        verbose_name_plural = _("allowances")

    def __str__(self):
        return f"{self.used} until {self.ends_at}"


class CacheEntry(models.Model):
    """The table of Django's ``DatabaseCache``, which reads and writes it by itself."""

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("cache entry")
        verbose_name_plural = _("cache entries")

    def __str__(self):
        return self.cache_key
