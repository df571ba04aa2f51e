"""Monitors as people describe them: read, judged, sealed, kept and shown."""
