"""How invitation codes are written and read. Plain Python."""

#: Crockford's base 32: no I, L, O, U to mistake.
CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
#: 50 bits: with ten million members one guess in a hundred million is somebody's.
CODE_LENGTH = 10
_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1", " ": None, "-": None})
_LONGEST_TYPED = 40


def tidy_code(text: str) -> str:
    """Return a code as it is kept, or ``""`` when it cannot be one.

    >>> tidy_code("abcde-fghjo"), tidy_code("short")
    ('ABCDEFGHJ0', '')
    """
    code = text[:_LONGEST_TYPED].upper().translate(_MISREAD)
    whole = len(code) == CODE_LENGTH and set(code) <= set(CODE_ALPHABET)
    return code if whole else ""
