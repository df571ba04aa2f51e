"""Bearer tokens over HTTP: made, listed and revoked by people who are signed in."""
