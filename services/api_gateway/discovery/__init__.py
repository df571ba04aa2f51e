"""Where a mailbox is, from its address alone: what its domain, its provider and habit say. Trying it is a test's."""
