"""Stage 2 of 6: ClickHouse holds every event and every rollup, and answers typed queries."""
