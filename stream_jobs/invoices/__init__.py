"""Invoices against our figures: what a provider charges and what we recorded in, explained differences out."""
