"""Organizations: one's own, and for people who look after the whole installation, all of them."""
