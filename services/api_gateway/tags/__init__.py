"""Tags: words an organization puts on its monitors, to list them by and to plan maintenance for."""
