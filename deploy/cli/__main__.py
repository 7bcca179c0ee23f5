"""`python -m deploy.cli`: what ./tally hands over to."""

from deploy.cli.main import main

main()
