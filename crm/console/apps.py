"""Application configuration."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.utils.translation import gettext_lazy as _


class ConsoleConfig(AppConfig):
    """Nameplate of the console app."""

    name = "crm.console"
    label = "console"
    verbose_name = _("Console")
    default = True


class ConsoleAdminConfig(admin_apps.AdminConfig):
    """Names our site, so that every app writes plain ``@admin.register``."""

    default_site = "crm.console.site.ConsoleSite"
    default = False
