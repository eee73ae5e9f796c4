"""Staff pages that look across apps, and those of the ground floor."""

from crm.console.admin import (
    audit,
    duplicates,
    facts,
    jobs,
    logins,
    members,
    merges,
    orders,
    server_keys,
)

__all__ = [
    "audit",
    "duplicates",
    "facts",
    "jobs",
    "logins",
    "members",
    "merges",
    "orders",
    "server_keys",
]
