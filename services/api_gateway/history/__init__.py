"""A monitor's past: incidents, messages, uptime and charts, from what recorder and notifier keep."""
