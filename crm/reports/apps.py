"""Application configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ReportsConfig(AppConfig):
    """Nameplate of the reports app."""

    name = "crm.reports"
    label = "reports"
    verbose_name = _("Reports")
