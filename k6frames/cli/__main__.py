"""``python -m k6frames.cli``."""

from k6frames.cli.main import main

main()
