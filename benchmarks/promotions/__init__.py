"""Promotion pricing: neutral offers and carts, and the sides that price them."""
