"""Secrets of second factors at rest, and what authenticator apps show."""

from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings

from members.identity.adapters import display_of_login
from members.services.second_factors import open_secret, seal_secret


class SecondFactorAdapter(DefaultMFAAdapter):
    """Encrypts under the key ring; names a login without its alias."""

    def encrypt(self, text):
        """Return a TOTP secret or a seed of recovery codes, sealed."""
        return seal_secret(text)

    def decrypt(self, encrypted_text):
        """Open what ``encrypt`` made.

        Raises:
            DecryptionFailed: its key is gone: nobody passes, nothing is let through.
        """
        return open_secret(encrypted_text)

    def _get_user_identifier(self, user):
        return display_of_login(user)

    def get_public_key_credential_rp_entity(self):
        """Name the shop, not the machine, and the domain its pages share."""
        entity = super().get_public_key_credential_rp_entity()
        domain = settings.PASSKEY_DOMAIN or entity["id"]
        return {"id": domain, "name": self.get_totp_issuer()}
