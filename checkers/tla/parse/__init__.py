"""The front end: reads TLA+ text and builds the resolved expressions of `syntax`.

In order of use: `source` (grammar, positions), `precedence`, `expressions`, `names` and `scope` (what a name means),
`modules` (units, EXTENDS, INSTANCE), `levelcheck`. The package imports no other part of the checker but its errors.
Start with `syntax`, then `modules.Loader.load_file`.
"""
