"""What PostgreSQL is made to expect, where a test is about wrong estimates."""

from crm.shared import counting


def expect(monkeypatch, rows: int) -> None:
    """Have every list that is counted be expected to hold so many rows."""
    asked = counting._explained

    def told(*args):
        plan = asked(*args)
        for part in plan.get("Plans", []):
            part["Plan Rows"] = rows
        return plan

    monkeypatch.setattr(counting, "_explained", told)
