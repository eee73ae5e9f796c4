"""Application configuration."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SharedConfig(AppConfig):
    """Nameplate of the shared app."""

    name = "crm.shared"
    label = "shared"
    verbose_name = _("System")

    def ready(self):
        """Have databases looked at before they are migrated."""
        import_module("crm.shared.folded_migrations")
