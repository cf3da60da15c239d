"""The tests that travel with the recipes."""
