"""Application configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OrdersConfig(AppConfig):
    """Nameplate of the orders app."""

    name = "orders"
    label = "orders"
    verbose_name = _("Orders")
