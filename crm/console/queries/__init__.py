"""Reads that look across apps."""
