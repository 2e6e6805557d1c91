"""What the billing services say to each other and to whoever subscribes."""
