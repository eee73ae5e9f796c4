"""Pages for members who follow a link and need not sign in."""
