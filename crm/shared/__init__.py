"""Ground floor: money, outbox, refusals, encrypted fields, audit, jobs.

Used by every app, knows no business word, imports no app.
"""

import os

# Words are read character by character. The dictionary of phrases is most of what
# importing pypinyin costs, and the web is back sooner after a crash without it.
os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
