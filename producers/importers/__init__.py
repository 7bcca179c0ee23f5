"""Importers: files of other tools in, usage events for the collector out."""
