"""Puts refused events through again: refusals in; events to send, verdicts before they are sent, and marks out."""
