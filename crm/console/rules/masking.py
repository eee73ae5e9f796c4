"""How much of a person may stand on a screen before somebody gives a reason."""

DOT = "*"


def mask_name(name: str | None) -> str:
    """Return the first character and how it goes on.

    >>> mask_name("王小明"), mask_name("Ada Lovelace"), mask_name(None)
    ('王**', 'A**', '')
    """
    name = (name or "").strip()
    return name[:1] + DOT * 2 if name else ""


def mask_phone(phone: str | None) -> str:
    """Return the first three digits without the country code, and the last four.

    >>> mask_phone("+8613800000000"), mask_phone("+442079460000"), mask_phone("")
    ('138****0000', '442****0000', '')
    """
    digits = "".join(c for c in phone or "" if c.isdecimal())
    if (phone or "").startswith("+86"):
        digits = digits[2:]
    if len(digits) < 8:
        return DOT * 4 if digits else ""
    return f"{digits[:3]}{DOT * 4}{digits[-4:]}"


def mask_email(email: str | None) -> str:
    """Return the first character of the name and the domain.

    >>> mask_email("ada@example.com"), mask_email("nonsense"), mask_email(None)
    ('a***@example.com', '***', '')
    """
    if not email:
        return ""
    name, at, domain = email.rpartition("@")
    return f"{name[:1]}{DOT * 3}@{domain}" if at else DOT * 3


def mask_birthday(birthday: str | None) -> str:
    """Return the month only.

    >>> mask_birthday("1990-02-28"), mask_birthday("")
    ('****-02-**', '')
    """
    parts = (birthday or "").split("-")
    return f"{DOT * 4}-{parts[1]}-{DOT * 2}" if len(parts) == 3 else ""
