"""Many monitors made, changed and removed by one request."""
