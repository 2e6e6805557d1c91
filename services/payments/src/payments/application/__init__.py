"""Between the rules and the outside: what is announced, what is reacted to, what is asked of providers."""
