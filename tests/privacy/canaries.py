"""Invented people whose data must not be found, in every way it could be written."""

import base64
import html
import json
from dataclasses import dataclass
from urllib.parse import quote

FIELDS = ("name", "phone", "email", "birthday", "note", "complaint")


@dataclass(frozen=True, slots=True)
class Canary:
    """One person; every value occurs nowhere else in the shop."""

    name: str
    phone: str
    email: str
    birthday: str
    note: str
    complaint: str

    @property
    def values(self) -> dict[str, str]:
        """Field -> value."""
        return {field: getattr(self, field) for field in FIELDS}


def canary(n: int) -> Canary:
    """Return the n-th person, 0 to 9."""
    return Canary(
        name=f"鹮鹳鸨 Zyxwv{n}Qua",
        phone=f"+86139{n}7531864",
        email=f"Kanarie.{n}.Vogel@Zwitscher{n}.Example",
        birthday=f"195{n}-11-2{n}",
        note=f"ruft immer montags an, Haus {n} am Fluß 鸬鹚",
        complaint=f"die Schachtel Nr. {n} war zerdrückt 鹈鹕",
    )


def forms(value: str) -> set[bytes]:
    """Return the ways ``value`` could be written by code that does not hide it."""
    texts = {value, value.lower(), value.upper(), value.casefold()}
    if value.startswith("+86"):
        plain = value[3:]
        texts |= {
            value[1:],
            plain,
            f"{plain[:3]} {plain[3:7]} {plain[7:]}",
            f"{plain[:3]}-{plain[3:7]}-{plain[7:]}",
        }
    if "-11-" in value:
        texts |= {value.replace("-", ""), value.replace("-", "/")}
    written = set()
    for text in texts:
        written |= {
            text.encode(),
            text.encode("utf-16-le"),
            json.dumps(text)[1:-1].encode(),
            html.escape(text).encode(),
            quote(text).encode(),
            quote(text, safe="").encode(),
            text.encode().hex().encode(),
            base64.b64encode(text.encode()).rstrip(b"="),
            base64.urlsafe_b64encode(text.encode()).rstrip(b"="),
        }
    return written


def found_in(places: dict[str, bytes], canaries: list[Canary]) -> list[str]:
    """Return ``place: field`` for every place that shows a value in any form."""
    return sorted(
        f"{place}: {field} of {each.name[-4:-3]}"
        for each in canaries
        for field, value in each.values.items()
        for written in [forms(value)]
        for place, content in places.items()
        if any(form in content for form in written)
    )
