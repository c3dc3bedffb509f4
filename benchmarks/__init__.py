"""The benchmark: this server and others under the same load, side by side. See README.md."""
