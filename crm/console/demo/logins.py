"""The people of the demo shop who can sign in. Printed by ``make run``."""

from dataclasses import dataclass

PASSWORD = "demo"  # noqa: S105  the demo's own, refused outside demo shops

#: Its key of the server API; as public as the password.
SERVER_KEY = "sk_test_demo_of_xiaoman_living_known_to_everybody"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Login:
    """A staff member of the demo shop; ``role`` is a group of ``sync_roles``."""

    username: str
    name: str
    role: str
    job: str


LOGINS = (
    Login("admin", "Admin", "owner", "Owner"),
    Login("lin@demo.local", "林晓", "support", "CRM staff 客服"),
    Login("zhou@demo.local", "周敏", "marketer", "Marketer 营销"),
    Login("he@demo.local", "何洁", "loyalty manager", "Loyalty 会员体系"),
    Login("wu@demo.local", "吴迪", "analyst", "Analyst 数据 (no personal data)"),
    Login("qian@demo.local", "钱莉", "finance", "Finance 财务"),
    Login("shen@demo.local", "沈审", "auditor", "Auditor 审计 (read-only)"),
)
