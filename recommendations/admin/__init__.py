"""Staff pages of what the orders taught us."""

from recommendations.admin import suggestion

__all__ = ["suggestion"]
