"""Decisions and arithmetic. Plain Python: no Django, no clock, no database."""

import os

# Names are read character by character. Without its dictionary of phrases pypinyin is
# imported in a tenth of the time, and the web is back sooner after a crash.
os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
