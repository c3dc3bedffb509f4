"""The outside: WebSockets, the HTTP interface, static files, and what protects them."""
