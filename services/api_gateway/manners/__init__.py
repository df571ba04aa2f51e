"""What every operation does alike: requests answered once by their key, conditions, trying without keeping."""
