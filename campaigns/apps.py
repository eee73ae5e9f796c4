"""Application configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CampaignsConfig(AppConfig):
    """Nameplate of the campaigns app."""

    name = "campaigns"
    label = "campaigns"
    verbose_name = _("Campaigns")
