"""For whom prices and offers may be, besides everybody and all members."""

from django.utils.module_loading import import_string

from crm import wiring


def known_audiences() -> list[tuple[str, str]]:
    """Return ``(mark, name)`` of every audience, as ``PRICE_AUDIENCES`` list them."""
    return [
        choice for path in wiring.PRICE_AUDIENCES for choice in import_string(path)()
    ]
