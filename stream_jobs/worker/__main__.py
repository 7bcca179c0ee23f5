"""`python -m stream_jobs.worker`: one stream worker."""

import os

# One thread per worker process: partitions are the parallelism. Threads of libraries that wait for work spin, and
# memory given back every half second (polars' default) is cleared by the kernel again and again. Set before imports.
os.environ.setdefault("POLARS_MAX_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:30000,muzzy_decay_ms:-1,background_thread:false")

from stream_jobs.worker.app import run

if __name__ == "__main__":
    run()
