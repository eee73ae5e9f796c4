"""Nights of tiers and points beside the bare SQL."""
