"""Staff pages of tags and consents. Members have their page in the console."""

from members.admin import consent, consent_text, tag

__all__ = ["consent", "consent_text", "tag"]
