"""`python -m tests.chaos.worker_of_version N`: the real worker whose rules say that they are version N; a test tool."""

import sys

from stream_jobs.worker import settings

settings.LOGIC_VERSION = int(sys.argv[1])  # before anybody asks for it

from stream_jobs.worker import app  # noqa: E402
from tests.chaos.clock import Clock, send_by  # noqa: E402

if __name__ == "__main__":
    send_by(Clock.of_environment())
    app.run()
