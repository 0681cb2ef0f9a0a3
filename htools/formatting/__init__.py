"""How numbers, values and tables are printed: as Haskell programs print them, to the last digit."""
