"""Staff pages of tags and consents. Members have their page in the console."""

from members.admin import consent, tag

__all__ = ["consent", "tag"]
