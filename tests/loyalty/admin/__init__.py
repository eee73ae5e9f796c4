"""Staff pages of loyalty."""
