"""What happens, told while it happens: `GET /api/events`, a stream of server-sent events."""
