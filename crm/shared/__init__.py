"""Ground floor: money, outbox, refusals, encrypted fields, audit, jobs.

Used by every app, knows no business word, imports no app.
"""
