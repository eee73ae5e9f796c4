"""RSA2, Alipay's name for RSA signatures over SHA-256: making and checking them."""

import base64
import binascii

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_der_public_key,
    load_pem_private_key,
    load_pem_public_key,
)
from django.core.exceptions import ImproperlyConfigured


def sign(text: str, private_key: str) -> str:
    """Return the RSA2 signature (SHA-256, PKCS #1 v1.5) of a text, in base64."""
    signature = private_key_of(private_key).sign(text.encode(), PKCS1v15(), SHA256())
    return base64.b64encode(signature).decode()


def is_signed(text: str, signature: str, public_key: str) -> bool:
    """Return whether ``signature`` is the RSA2 signature of ``text``."""
    try:
        raw = base64.b64decode(signature, validate=True)
        public_key_of(public_key).verify(raw, text.encode(), PKCS1v15(), SHA256())
    except (binascii.Error, ValueError, InvalidSignature):
        return False
    return True


def private_key_of(text: str) -> RSAPrivateKey:
    """Read a private key: PEM, or the bare base64 that Alipay's key tool writes.

    Raises:
        ImproperlyConfigured: it is neither, or no RSA key.
    """
    try:
        if "-----BEGIN" in text:
            key = load_pem_private_key(text.encode(), password=None)
        else:
            key = load_der_private_key(base64.b64decode(text), password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise ImproperlyConfigured("CRM_ALIPAY_PRIVATE_KEY is no RSA private key.")
    return key


def public_key_of(text: str) -> RSAPublicKey:
    """Read a public key: PEM, or the bare base64 that Alipay's pages show.

    Raises:
        ImproperlyConfigured: it is neither, or no RSA key.
    """
    try:
        if "-----BEGIN" in text:
            key = load_pem_public_key(text.encode())
        else:
            key = load_der_public_key(base64.b64decode(text))
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, RSAPublicKey):
        raise ImproperlyConfigured("CRM_ALIPAY_PUBLIC_KEY is no RSA public key.")
    return key
