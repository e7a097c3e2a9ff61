"""Two runs, locks or reports side by side: what differs, by how much, and whether that is within the tolerance."""
