"""The only page on which a card number exists: framed by the portal, on an origin of its own."""
