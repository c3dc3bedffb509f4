"""What the commands of the command line share: the option ``--config``, and the settings that it means."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ..config import Settings, load

MISTAKE = 2
"""The exit code for a mistake in the settings, a plugin or the command line."""

config_option = click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="The settings file. Without this option ./config.yaml, if there is one, else the built-in defaults.",
)


def settings_file(config: Path | None) -> Path | None:
    """The settings file that counts, or None for the built-in defaults."""
    here = Path("config.yaml")
    return here if config is None and here.is_file() else config


def read_settings(config: Path | None) -> Settings:
    """The settings of the file that counts, and of the environment. Raises ConfigError."""
    return load(settings_file(config), os.environ)
