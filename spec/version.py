"""The version of Gantry that every program prints."""

VERSION = "0.1.0"
