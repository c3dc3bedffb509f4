"""Accounts, guests, tokens and sign-in."""
