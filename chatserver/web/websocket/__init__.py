"""WebSocket: the handshake, the frames, the transports."""
