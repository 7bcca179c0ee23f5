"""Too early, too old or late: judged by the log's own clock, never by the worker's."""
