"""The wire format: cases and answers in words no vendor owns. Plain Python."""
