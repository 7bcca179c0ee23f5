"""Proves again and again that what is stored is right: warehouse and log in, audits and alerts out (rule E30)."""
