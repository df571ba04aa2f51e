"""One folder a service; none imports another (`standalone` alone composes them)."""
