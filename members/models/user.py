"""Logins, of members and of staff alike."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """A way in. Staff sign in by user name; members by an alias of their e-mail.

    The address itself never stands here: ``email`` holds the keyed alias made by
    ``members.identity`` (see docs/adr/0006-sign-in-identifiers.md).
    """

    language = models.CharField(
        _("language"),
        max_length=10,
        blank=True,
        help_text=_("Console language; empty follows the browser."),
    )

    class Meta(AbstractUser.Meta):
        verbose_name = _("login")
        verbose_name_plural = _("logins")
