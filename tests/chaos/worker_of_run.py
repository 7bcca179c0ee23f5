"""`python -m tests.chaos.worker_of_run`: the real worker, whose records carry the run's time; a test tool."""

from stream_jobs.worker import app
from tests.chaos.clock import Clock, send_by

if __name__ == "__main__":
    send_by(Clock.of_environment())
    app.run()
