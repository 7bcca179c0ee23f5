"""Typed questions to the warehouse: frozen values with their SQL, bound parameters and how to read the answer."""
