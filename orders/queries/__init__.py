"""Reads of the orders app."""
