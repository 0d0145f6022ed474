"""Everything that touches the world, inbound and outbound; nobody imports it."""
