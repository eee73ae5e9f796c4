"""Application configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LoyaltyConfig(AppConfig):
    """Nameplate of the loyalty app."""

    name = "loyalty"
    label = "loyalty"
    verbose_name = _("Loyalty")
