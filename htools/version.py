"""The version that the tools print."""

VERSION = "0.1.0"
