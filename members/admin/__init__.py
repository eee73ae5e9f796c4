"""Staff pages of words, attributes, consents and privacy. Members have theirs above."""

from members.admin import attribute, consent, consent_text, privacy, tag

__all__ = ["attribute", "consent", "consent_text", "privacy", "tag"]
