"""The plugins that come with the server, built with the same hooks as anybody's."""
