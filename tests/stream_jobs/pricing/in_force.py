"""When a price row holds, said a second time in plain words."""

from datetime import datetime

from stream_jobs.pricing import PriceRow


def holds_at(row: PriceRow, time: datetime) -> bool:
    """Whether a row's date and daily window (whole hours or HH:MM:SS) let it hold at an instant (UTC)."""
    if row.effective_from > time:
        return False
    if not row.daily_from and not row.daily_to:
        return True
    at = f"{time:%H:%M:%S}"
    if row.daily_from < row.daily_to:
        return row.daily_from <= at < row.daily_to
    return at >= row.daily_from or at < row.daily_to
