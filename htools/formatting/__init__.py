"""How numbers, values and tables are printed: as Haskell programs print them, to the last digit.

There is no plain twin: output is compared with that of Ganeti's tools. Nothing here needs to be fast.
"""
