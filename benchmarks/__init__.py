"""Real and made-up data, and measurements with them. Not part of the distribution."""
