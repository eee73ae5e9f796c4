"""What the orders say, in numbers."""
