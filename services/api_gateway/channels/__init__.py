"""Notification channels: where people are told, and whether anybody would be."""
