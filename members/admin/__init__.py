"""Staff pages of tags, consents and privacy. Members have theirs in the console."""

from members.admin import consent, consent_text, privacy, tag

__all__ = ["consent", "consent_text", "privacy", "tag"]
