"""Checks asked for out of turn, tried before anything is saved, and read afterwards."""
