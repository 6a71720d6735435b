"""The command line. One module for each group of commands; what they do is in the use cases.

Nothing heavy is imported before it is needed: `estafette --help` answers at once.
"""

import sys


def main() -> None:
    """The entry point: runs the command of `sys.argv` and exits with its code."""
    from estafette.cli.commands import run

    sys.exit(run(sys.argv[1:]))
