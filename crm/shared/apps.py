"""Application configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SharedConfig(AppConfig):
    """Nameplate of the shared app."""

    name = "crm.shared"
    label = "shared"
    verbose_name = _("System")
