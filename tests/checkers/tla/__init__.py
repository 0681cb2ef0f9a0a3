"""Tests of the TLA+ checker."""
