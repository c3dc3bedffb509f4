"""The plugins that come with the server, built with the same hooks as any other."""
