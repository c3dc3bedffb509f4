"""The values, names, errors and limits that everything passes around. Pure: no I/O, no event loop."""
