"""Secrets of second factors at rest, and what authenticator apps show."""

import base64

from allauth.mfa.adapter import DefaultMFAAdapter

from crm.shared.encryption import decrypt, encrypt
from members.identity.adapters import display_of_login
from members.services.second_factors import PLACE


class SecondFactorAdapter(DefaultMFAAdapter):
    """Encrypts under the key ring; names a login without its alias."""

    def encrypt(self, text):
        """Return a TOTP secret or a seed of recovery codes, sealed."""
        return base64.b64encode(encrypt(text, PLACE)).decode()

    def decrypt(self, encrypted_text):
        """Open what ``encrypt`` made.

        Raises:
            DecryptionFailed: its key is gone: nobody passes, nothing is let through.
        """
        return decrypt(base64.b64decode(encrypted_text), PLACE)

    def _get_user_identifier(self, user):
        return display_of_login(user)

    def get_public_key_credential_rp_entity(self):
        """Name the shop, not the machine."""
        entity = super().get_public_key_credential_rp_entity()
        return {**entity, "name": self.get_totp_issuer()}
