"""Decides what is due, and asks for it; notices what was never answered."""
