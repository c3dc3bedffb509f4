"""How plugins are found, checked, called and kept from hurting each other."""
