"""The cluster's configuration, object by object, and temporary reservations. Pure: no clock, no disk, no chance."""
