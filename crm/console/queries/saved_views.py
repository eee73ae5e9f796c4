"""Filters of a list that its staff saved under a name."""

from typing import NamedTuple

from crm.shared.planned import planned_cursor

#: Tabs over a list at most.
MOST = 30
_SEEN = """
SELECT id, name, query, owner_id = %(user)s FROM console_savedview
WHERE model = %(model)s AND (owner_id = %(user)s OR is_shared)
ORDER BY name, id LIMIT %(most)s
"""


class SeenView(NamedTuple):
    """A saved view as the list shows it."""

    pk: int
    name: str
    query: str
    is_own: bool


def seen_views(*, user_id: int, model: str) -> list[SeenView]:
    """Return what a login sees of the views of a list, by name.

    Args:
        model: ``app_label.model`` of the list.
    """
    with planned_cursor() as cursor:
        cursor.execute(_SEEN, {"user": user_id, "model": model, "most": MOST})
        return [SeenView(*row) for row in cursor.fetchall()]
