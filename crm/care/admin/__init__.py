"""Staff pages of the service desk."""

from crm.care.admin import ticket

__all__ = ["ticket"]
