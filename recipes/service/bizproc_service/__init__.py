"""Recipes for those who serve clients: meetings, bookings, what is known of a company, tasks that are over."""
