"""How buyers pay: one module per payment provider."""
