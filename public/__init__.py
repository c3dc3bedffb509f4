"""The browser client, served as it is."""
