"""`python -m stream_jobs.worker`: one stream worker."""

import os

# One thread per worker process: partitions are the parallelism. Set before polars is imported.
os.environ.setdefault("POLARS_MAX_THREADS", "1")

from stream_jobs.worker.app import run

if __name__ == "__main__":
    run()
