"""How chatserver is built and installed; ``pyproject.toml`` holds the tools' settings."""

import re
from pathlib import Path

from setuptools import Extension, find_packages, setup

HERE = Path(__file__).parent
BUNDLED = [name for name in find_packages(str(HERE / "plugins")) if "." not in name]

# Patterns in linear time, for plugins that hear. Not required: there are no wheels for musl, as in Alpine.
HEARS = ["google-re2>=1.1.20250722"]
# Bundled with its C library, as a database client of one's own takes headers and a compiler.
POSTGRESQL = ["psycopg[binary]>=3.2"]
# The asyncio client, which Valkey takes too.
REDIS = ["redis>=6.4"]
# Amazon's own client, which other servers that speak S3 are tested with, too.
S3 = ["boto3>=1.40"]
TEST = [
    *HEARS,
    *S3,
    *POSTGRESQL,
    *REDIS,
    "pytest>=9,<10",  # pytest-tornasync breaks with 10
    "pytest-tornasync==0.6.0.post2",
    "pytest-xdist",
    "hypothesis>=6.131",
    "confusable-homoglyphs==3.3.1",  # the table that ships is made from it
    "moto[s3,server]>=5.1",  # a server that speaks S3
    "schemathesis>=4.32",  # requests by the description of the HTTP interface
    "playwright",
    "axe-playwright-python",
    "mypy",
    "ruff>=0.17,<0.18",
    "import-linter>=2.5",
    "types-PyYAML",
    "setuptools>=77",  # the packaging test builds a wheel without downloading anything
]

VERSION = re.search(
    r'^__version__ = "(.+)"$', (HERE / "chatserver/__init__.py").read_text(encoding="utf-8"), re.M
)
assert VERSION, "chatserver/__init__.py names no __version__"
readme = HERE / "README.md"

setup(
    name="chatserver",
    version=VERSION[1],
    description="A self-hosted chat server whose every feature is a plugin",
    long_description=readme.read_text(encoding="utf-8") if readme.exists() else "",
    long_description_content_type="text/markdown",
    author="the chatserver authors",
    license="MIT",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    # The two folders get names that nobody else owns: see "Layout" in docs/architecture.md.
    package_dir={"chatserver_plugins": "plugins", "chatserver_public": "public"},
    packages=[
        *find_packages(include=["chatserver", "chatserver.*"]),
        "chatserver_plugins",
        *(f"chatserver_plugins.{name}" for name in find_packages("plugins")),
        "chatserver_public",
    ],
    # Where it can't be compiled, its twin in Python does the same: see chatserver/delivery/send.py.
    ext_modules=[
        Extension(
            "chatserver.delivery._send",
            ["chatserver/delivery/_send.c"],
            extra_compile_args=["-Wall", "-Wextra"],
            optional=True,
        )
    ],
    package_data={
        "": ["static/**/*", "i18n/*.json"],
        "chatserver": ["py.typed", "model/confusables.json", "accounts/common_passwords.txt"],
        "chatserver_public": ["**/*"],
    },
    install_requires=[
        "tornado>=6.6,<7",
        "pluggy>=1.5",
        "pyyaml>=6",
        "msgspec>=0.19",
        "sqlalchemy>=2.1,<3",
        "alembic>=1.16",
        "argon2-cffi>=23.1",
        "emoji>=2.14",
        "nh3>=0.2.18",
        # The first version in which no text takes longer than its length.
        "markdown-it-py>=4.3",
        "latex2mathml>=3.78",
        "pygments>=2.19",
        "click>=8.1",
        "rich>=13",
        "precis-i18n>=1.1",
        # JSON Web Tokens; with cryptography, for keys of two parts.
        "pyjwt[crypto]>=2.10",
        "pyotp>=2.9",
        "segno>=1.6",
        "prometheus-client",
        "python-dotenv>=1.0",
        "filelock>=3.13",
        # The first version that takes a list of fields.
        "python-json-logger>=4",
        "filetype>=1.2",
        "pillow>=11.3",
        # Without it pages are sent with gzip: only where there is a wheel, so that nothing has to be compiled.
        "brotli>=1.1; platform_python_implementation == 'CPython'"
        " and platform_machine in 'x86_64 AMD64 aarch64 ARM64 arm64'",
    ],
    extras_require={
        "hears": HEARS,
        "postgresql": POSTGRESQL,
        "redis": REDIS,
        "s3": S3,
        "test": TEST,
        "bench": ["matplotlib>=3.8"],
    },
    entry_points={
        "console_scripts": ["chatserver = chatserver.__main__:main"],
        "chatserver.plugins": [f"{name} = chatserver_plugins.{name}" for name in BUNDLED],
    },
)
