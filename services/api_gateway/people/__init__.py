"""People: who may sign in, what they may do, and the links they are let in by the first time."""
