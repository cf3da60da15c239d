"""Recipes for those who bill: from the quote to the money, and documents that are read."""
