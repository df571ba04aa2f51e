"""Who did what, when, from where: `GET /api/audit`. Triggers of the database write it, with the change itself."""
