"""Text as a ClickHouse string literal, for statements that bind no parameters."""


def quoted(text: str) -> str:
    """The text between single quotes, escaped."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
