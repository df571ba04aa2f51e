"""Configuration of other monitors, read as it is and written as ours; what cannot be carried over is said."""
