"""The use cases, by noun: what sockets, HTTP handlers, commands and plugins all call."""
