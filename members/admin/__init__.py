"""Staff pages of words, attributes and consents. Members have their page above."""

from members.admin import attribute, consent, tag

__all__ = ["attribute", "consent", "tag"]
