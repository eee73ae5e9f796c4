"""Application configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CareConfig(AppConfig):
    """Nameplate of the care app."""

    name = "crm.care"
    label = "care"
    verbose_name = _("Customer care")
