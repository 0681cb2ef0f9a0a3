"""The command lines of the commands, one module a command: `add_arguments(parser)` declares what `gantry NAME` takes.

`gantry.cli` reads the command line with these modules alone, and imports `gantry.commands.NAME` only to work. So they
import almost nothing; the few lists that they repeat are compared with the originals by tests.
"""
