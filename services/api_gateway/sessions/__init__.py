"""Signing in and out in a browser, and what keeps others from doing it."""
