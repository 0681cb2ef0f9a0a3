"""The lock core, twin of `spec.locks`: `impl.locks.core.step` answers what `spec.locks.rules.step` does.

What is fast: indexes by owner, by lock and by the place where a request is blocked, in maps that versions share. A step
costs time by the locks it asks for and the requests it wakes; the plain rules look at all locks and all requests. In
fair mode a step still looks at all requests that wait. The plain rules run in checkers and tests only.
"""
