"""Keys of the cache: fingerprints, for packages put addresses and codes into them."""

from crm.shared.blind_index import fingerprint


def hidden_key(key: str, key_prefix: str, version: int) -> str:
    """Return the key under which the cache keeps ``key`` (``KEY_FUNCTION``)."""
    return fingerprint(f"{key_prefix}:{version}:{key}", "shared_cacheentry").hex()
