"""Service desk: tickets, answers. Stands on campaigns; publishes nothing yet."""
