"""How a message leaves the house: one kind, one file."""
