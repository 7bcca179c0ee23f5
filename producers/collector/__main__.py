"""`python -m producers.collector`: the process."""

import os


def main() -> None:
    """Runs the collector until it is told to stop."""
    # Read when polars is first imported. The frames are small: its own threads would cost more than they give.
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    from producers.collector.server import serve

    serve()


if __name__ == "__main__":
    main()
