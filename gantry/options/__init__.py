"""The options of the commands, one module for each: `add_arguments(parser)` declares those of `gantry NAME`.

`gantry.cli` reads the command line with these modules alone, and imports `gantry.commands.NAME` afterwards. So they
import almost nothing; the few lists that they repeat are compared with the originals by tests.
"""
