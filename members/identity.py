"""How members sign in, in the words of django-allauth."""

from allauth.account.adapter import DefaultAccountAdapter


class AccountAdapter(DefaultAccountAdapter):
    """Signs people up as members; see docs/adr/0006-sign-in-identifiers.md."""
