"""Who manages a monitor, channel, window or tag: the manager of the configuration files it comes from, and its key."""
