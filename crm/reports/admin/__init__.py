"""Staff pages of the rollups."""

from crm.reports.admin import sales

__all__ = ["sales"]
