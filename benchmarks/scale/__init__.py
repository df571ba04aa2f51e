"""How many monitors a machine holds, what a million weigh, and what two of each process do that one does not."""
