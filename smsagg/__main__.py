"""``python -m smsagg``: the same as the command ``smsagg``."""

from smsagg.cli import main

main(prog_name="smsagg")
