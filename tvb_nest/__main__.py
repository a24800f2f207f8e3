"""``python -m tvb_nest``: the ``tvb-nest`` program."""

from tvb_nest.cli import main

main()
