"""Maintenance windows: when monitors are expected to fail, and nobody is told of it."""
