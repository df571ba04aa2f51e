"""Customers: whom monitors are for."""
