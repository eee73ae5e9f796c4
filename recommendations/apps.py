"""Application configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RecommendationsConfig(AppConfig):
    """Nameplate of the recommendations app."""

    name = "recommendations"
    label = "recommendations"
    verbose_name = _("Recommendations")
