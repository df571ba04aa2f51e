"""How fast the list of ten thousand monitors answers, what the pages weigh, and how soon they can be used."""
