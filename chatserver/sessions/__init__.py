"""One client from handshake to goodbye, whatever the transport."""
