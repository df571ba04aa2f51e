"""Hours and days of every monitor added up, so that a year of history is read in one glance."""
