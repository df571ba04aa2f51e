"""`mailprobe doctor`: what could be wrong, looked at one by one, each with the one thing to do."""

from cli.doctor.command import doctor as doctor

__all__ = ["doctor"]
