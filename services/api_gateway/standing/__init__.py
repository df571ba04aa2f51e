"""How everything stands, for other programs: metrics for Prometheus, and flat numbers for a home dashboard."""
