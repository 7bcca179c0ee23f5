"""Proves that rollups equal raw events: questions that compare inside the warehouse and bring back only differences."""
