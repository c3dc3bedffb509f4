#!/bin/sh
# Copy all that a running server with SQLite keeps into a new folder below TARGET: backup.sh DATA_DIR TARGET.
# To be run as the server's user.
set -eu
umask 077
data=$1
[ -f "$data/chat.db" ] || { echo "There is no chat.db in $data." >&2; exit 1; }
target=$2/$(date +%Y-%m-%d_%H-%M-%S)
mkdir -p "$target"
# SQLite copies a database that is in use. Files come after it: those that messages name by then are all there.
python3 - "$data/chat.db" "$target/chat.db" <<'PYTHON'
import sqlite3
import sys

source, copy = (sqlite3.connect(path) for path in sys.argv[1:])
source.backup(copy)
copy.close()
PYTHON
if [ -d "$data/plugins" ]; then cp -a "$data/plugins" "$target/"; fi
echo "$target"
