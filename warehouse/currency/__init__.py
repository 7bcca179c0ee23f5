"""Money in another currency than US dollars: dated exchange rates in, converted amounts out, never stored."""
