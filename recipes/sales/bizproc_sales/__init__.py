"""Recipes for those who sell: leads shared out and called, deals followed up, clients won back."""
