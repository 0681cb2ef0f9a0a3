"""Reading a cluster's configuration: names, members, merged parameters, free resources. Pure, and never a change."""
