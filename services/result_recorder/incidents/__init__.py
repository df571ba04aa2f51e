"""Incidents: from what checks found to confirmed outages, and to what people are to be told of them."""
