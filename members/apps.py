"""Application configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MembersConfig(AppConfig):
    """Nameplate of the members app."""

    name = "members"
    label = "members"
    verbose_name = _("Members")
