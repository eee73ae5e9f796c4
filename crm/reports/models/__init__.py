"""Rollup tables: pages read these, never the orders."""

from crm.reports.models.sales import DailySales

__all__ = ["DailySales"]
