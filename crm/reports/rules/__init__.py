"""Arithmetic and drawings of reports. Plain Python."""
