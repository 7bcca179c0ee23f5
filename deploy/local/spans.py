"""Time spans as people say them."""


def span(seconds: float) -> str:
    """42 s, 3 min, 5 h, 2 days."""
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
