"""Faults on purpose: many callers at once, and effects cut at every statement."""
