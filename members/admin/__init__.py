"""Staff pages of tags, consents and privacy. Members have theirs in the console."""

from members.admin import consent, privacy, tag

__all__ = ["consent", "privacy", "tag"]
