"""The allocator: cluster model, score engine, moves, placement, backends, and one module per tool."""
