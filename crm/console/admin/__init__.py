"""Staff pages that look across apps, and those of the ground floor."""

from crm.console.admin import (
    approvals,
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
    "approvals",
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
