"""The test kit that ships, for our own tests too."""

pytest_plugins = ["chatserver.testing"]
