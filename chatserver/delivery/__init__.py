"""Which client gets which bytes: the bus between processes, the hub of this one, presence."""
