"""Parts for ECGAN, found by their entry points once the package is installed."""
