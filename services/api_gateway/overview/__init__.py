"""Monitors at a glance: what a table of them shows beside each, added up for one page of it at a time."""
