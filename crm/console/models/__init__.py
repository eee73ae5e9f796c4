"""Tables of the console."""

from crm.console.models.saved_view import SavedView

__all__ = ["SavedView"]
