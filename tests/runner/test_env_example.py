"""``.env.example`` names every variable that anything reads, and no other."""

import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
#: Read by Docker Compose, not by Python.
COMPOSE_ONLY = {"POSTGRES_PASSWORD", "RABBITMQ_PASSWORD"}


def variables_read() -> set[str]:
    found = set()
    for path in (
        "crm/settings.py",
        "members/providers/configuration.py",
        "orders/providers/configuration.py",
    ):
        text = (REPOSITORY / path).read_text()
        found |= set(re.findall(r'\benv(?:\.\w+)?(?:\(\s*|, )"([A-Z_0-9]+)"', text))
    for path in (REPOSITORY / "crm" / "runner").glob("*.py"):
        found |= set(
            re.findall(
                r'environ(?:\.get\(|\.setdefault\(|\[)\s*"((?:CRM|DATABASE|CELERY)_[A-Z_0-9]+)"',
                path.read_text(),
            )
        )
    return found


def test_every_variable_is_listed_once_and_explained():
    lines = (REPOSITORY / ".env.example").read_text().splitlines()
    named = [m[1] for line in lines if (m := re.match(r"#?([A-Z_0-9]+)=", line))]
    assert len(variables_read()) > 20
    assert set(named) == variables_read() | COMPOSE_ONLY
    assert len(named) == len(set(named))
    for number, line in enumerate(lines):
        if re.match(r"#?[A-Z_0-9]+=", line):
            above = lines[number - 1]
            assert above.startswith("#"), f"{line} has no word of explanation"


def test_the_example_sets_nothing_by_itself():
    text = (REPOSITORY / ".env.example").read_text()
    assert not re.search(r"^[A-Z_0-9]+=", text, re.MULTILINE)
