"""The life of a process: settings, logs, start and stop, health, metrics. Imports nothing else of ours."""
