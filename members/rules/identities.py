"""How an account elsewhere is named here, without telling which. Plain Python."""

from hashlib import sha256


def identity_id(provider: str, uid: str) -> str:
    """Return the name under which a member sees and unlinks a linked account.

    It says nothing about the account: identifiers of providers have many random
    bits, so the hash cannot be turned back by trying.

    >>> identity_id("weixin", "o6_bmasdasdsad6_2sgVt7hMZOPfL")
    'weixin-fb14a08ba0feae35'
    """
    return f"{provider}-{sha256(f'{provider}:{uid}'.encode()).hexdigest()[:16]}"
