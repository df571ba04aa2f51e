"""Keeps what the workers answer and decides what is believed of each mailbox. See `service.serve_recorder`."""
