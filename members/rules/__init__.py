"""Decisions and arithmetic. Plain Python: no Django, no clock, no database."""

import os

# Names are read character by character. The dictionary of phrases is most of what
# importing pypinyin costs, and the web is back sooner after a crash without it.
os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
