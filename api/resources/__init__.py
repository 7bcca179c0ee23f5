"""One file per thing that can be asked for over HTTP."""
