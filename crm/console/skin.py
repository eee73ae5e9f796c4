"""How the console looks: what Unfold is told (``settings.UNFOLD``)."""

from collections.abc import Mapping
from typing import Any

from django.urls import reverse_lazy
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString


def colour_rules(colours: Mapping[str, Mapping[str, str]]) -> SafeString:
    """Return the rule of ``:root`` for colours; Unfold would loop over them."""
    rules = "".join(
        f"--color-{name}-{weight}:{value};"
        for name, weights in colours.items()
        for weight, value in weights.items()
    )
    return conditional_escape(f":root{{{rules}}}")


def skin(*, shop_name: str) -> dict[str, Any]:
    """Return the settings of Unfold for a shop of this name."""
    return {
        "SITE_TITLE": shop_name,
        "SITE_HEADER": shop_name,
        "SITE_SYMBOL": "loyalty",
        "SITE_URL": None,
        "SITE_FAVICONS": [
            {
                "rel": "icon",
                "type": "image/svg+xml",
                "href": "crm.console.navigation.favicon",
            }
        ],
        "SHOW_HISTORY": True,
        "SHOW_VIEW_ON_SITE": False,
        "SHOW_LANGUAGES": True,
        "LANGUAGES": {"action": reverse_lazy("admin:language")},
        "ENVIRONMENT": "crm.console.navigation.environment",
        "ENVIRONMENT_TITLE_PREFIX": "crm.console.navigation.environment_title",
        "SIDEBAR": {
            "show_search": True,
            "command_search": True,
        },
        "STYLES": ["crm.console.navigation.style"],
        "SCRIPTS": ["crm.console.navigation.script"],
        "COLORS": {
            "primary": {
                "50": "#effaf7",
                "100": "#d8f3ec",
                "200": "#b3e6da",
                "300": "#82d3c2",
                "400": "#4db8a4",
                "500": "#2d9c89",
                "600": "#147d6d",
                "700": "#10685c",
                "800": "#0f534a",
                "900": "#0e443e",
                "950": "#052824",
            }
        },
    }
