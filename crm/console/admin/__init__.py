"""Staff pages that look across apps, and those of the ground floor."""

from crm.console.admin import audit, facts, jobs, logins, members, server_keys

__all__ = ["audit", "facts", "jobs", "logins", "members", "server_keys"]
