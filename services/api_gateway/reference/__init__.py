"""The reference page: every operation of the API, to be read without any other server."""
