"""The building: settings and wires, the ground floor (shared) and the roof (console)."""

from crm.celery import app as celery_app

__all__ = ["celery_app"]
