"""Why an event costs what it costs, for command line and API: its id in, every number and where it came from out."""
