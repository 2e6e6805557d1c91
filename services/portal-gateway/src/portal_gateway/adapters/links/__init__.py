"""Portal links, for the merchant's back end."""
