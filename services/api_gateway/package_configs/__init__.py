"""What customers of a package get: how soon they are told, and how often they are checked."""
