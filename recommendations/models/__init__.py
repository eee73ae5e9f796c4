"""Tables of the recommendations app."""

from recommendations.models.suggestion import BoughtTogether, Popularity

__all__ = ["BoughtTogether", "Popularity"]
