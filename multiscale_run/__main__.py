"""``python -m multiscale_run``, for tools that start a module."""

from multiscale_run.cli import main

main()
