"""Tables that only grow: a trigger refuses every other change.

Write ``AppendOnly("loyalty_pointsentry")`` into a migration, after the one that
creates the table.
"""

from django.db.migrations.operations.base import Operation

_FUNCTION = """
CREATE OR REPLACE FUNCTION crm_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
"""
_TRIGGERS = """
CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION crm_refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION crm_refuse_change();
"""
_NO_TRIGGERS = """
DROP TRIGGER IF EXISTS append_only_rows ON {table};
DROP TRIGGER IF EXISTS append_only_table ON {table};
"""


def append_only_sql(table: str) -> str:
    """Return SQL that makes ``table`` append-only.

    An UPDATE or DELETE of any row, and TRUNCATE, then fail as an integrity error.
    Row triggers of a partitioned table reach its partitions by themselves; only
    the guard against TRUNCATE has to be set on each partition.
    """
    return _FUNCTION + _TRIGGERS.format(table=_quoted(table))


def mutable_sql(table: str) -> str:
    """Return SQL that undoes ``append_only_sql``."""
    return _NO_TRIGGERS.format(table=_quoted(table))


def _quoted(table: str) -> str:
    if '"' in table:
        raise ValueError(f"{table!r} is no table name.")
    return f'"{table}"'


class AppendOnly(Operation):
    """Migration step that makes a table append-only; going back frees it again."""

    reduces_to_sql = True
    reversible = True

    def __init__(self, table: str):
        self.table = table

    def deconstruct(self):
        """Return how a squashed migration writes this step."""
        return type(self).__name__, [self.table], {}

    def state_forwards(self, app_label, state):
        """Change nothing: Django's models do not know triggers."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        """Set the triggers."""
        schema_editor.execute(append_only_sql(self.table), params=None)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        """Take the triggers away."""
        schema_editor.execute(mutable_sql(self.table), params=None)

    def describe(self):
        """Return the line that ``migrate`` prints."""
        return f"Make {self.table} append-only"
