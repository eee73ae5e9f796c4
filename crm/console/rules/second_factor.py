"""Which rights are worth a second factor. Plain Python."""

#: Moving points, seeing or exporting persons, paying back, logins and rights.
SENSITIVE: tuple[str, ...] = (
    "loyalty.add_pointsentry",
    "loyalty.change_pointsaccount",
    "members.view_pii",
    "members.export_pii",
    "orders.add_refund",
    "members.add_user",
    "members.change_user",
    "auth.add_group",
    "auth.change_group",
)
