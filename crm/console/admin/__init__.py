"""Staff pages that look across apps."""
