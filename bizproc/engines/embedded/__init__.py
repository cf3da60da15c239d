"""Runs instances in this process, on the store."""
