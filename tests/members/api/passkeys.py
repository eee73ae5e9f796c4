"""A passkey in software: what a phone or a security key does, ES256, no attestation.

Source: W3C Web Authentication Level 2, 6.1 (authenticator data), 6.5.4 (attested
credential data), 8.7 (attestation "none"), 5.8.1 (client data).
"""

import hashlib
import json
import os
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode

ORIGIN = "https://testserver"
_PRESENT, _VERIFIED, _ATTESTED = 0x01, 0x04, 0x40


class SoftPasskey:
    """One key pair of one login; ``counter`` None is a passkey that does not count.

    What a thief would change is a keyword of ``register`` and ``sign``.
    """

    def __init__(self, *, counter=0):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = os.urandom(32)
        self.user_handle = b""
        self.counter = counter

    @property
    def name(self):
        """Return the id as it travels."""
        return websafe_encode(self.id)

    def register(self, options, **lies):
        """Answer the creation options of a server."""
        wanted = options["publicKey"]
        assert -7 in {each["alg"] for each in wanted["pubKeyCredParams"]}
        self.user_handle = websafe_decode(wanted["user"]["id"])
        public = cbor.encode(dict(ES256.from_cryptography_key(self.key.public_key())))
        credential = bytes(16) + struct.pack(">H", len(self.id)) + self.id + public
        data = self._data(wanted["rp"]["id"], _ATTESTED, lies) + credential
        attested = {"fmt": "none", "attStmt": {}, "authData": data}
        told = self._client_data("webauthn.create", wanted["challenge"], lies)
        return self._answer(
            {"attestationObject": cbor.encode(attested), "clientDataJSON": told},
            clientExtensionResults={"credProps": {"rk": True}},
        )

    def sign(self, options, **lies):
        """Answer the request options of a server."""
        wanted = options["publicKey"]
        if self.counter is not None:
            self.counter += 1
        data = self._data(wanted["rpId"], 0, lies)
        told = self._client_data("webauthn.get", wanted["challenge"], lies)
        signed = data + hashlib.sha256(told).digest()
        key = lies.get("key", self.key)
        return self._answer(
            {
                "authenticatorData": data,
                "clientDataJSON": told,
                "signature": key.sign(signed, ec.ECDSA(hashes.SHA256())),
                "userHandle": lies.get("user_handle", self.user_handle),
            },
            clientExtensionResults={},
        )

    def _data(self, rp_id, flags, lies):
        flags |= lies.get("flags", _PRESENT | _VERIFIED)
        rp_hash = hashlib.sha256(lies.get("rp_id", rp_id).encode()).digest()
        counter = lies.get("counter", self.counter or 0)
        return rp_hash + struct.pack(">BI", flags, counter)

    def _client_data(self, kind, challenge, lies):
        told = {
            "type": lies.get("kind", kind),
            "challenge": lies.get("challenge", challenge),
            "origin": lies.get("origin", ORIGIN),
            "crossOrigin": False,
        }
        return json.dumps(told).encode()

    def _answer(self, response, **more):
        coded = {field: websafe_encode(value) for field, value in response.items()}
        return {
            "id": self.name,
            "rawId": self.name,
            "type": "public-key",
            "response": coded,
            **more,
        }
