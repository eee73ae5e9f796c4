"""The building: settings and wires, ground floor (shared) and roof (console)."""

from crm.celery import app as celery_app

__all__ = ["celery_app"]
