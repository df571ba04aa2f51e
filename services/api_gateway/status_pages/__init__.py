"""Status pages: what a customer shows of its monitors to whoever knows a page's address."""
