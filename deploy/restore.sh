#!/bin/sh
# Put a copy that backup.sh has made in the place of what a stopped server keeps: restore.sh COPY DATA_DIR.
# What was there is kept beside it. To be run as the server's user.
set -eu
umask 077
copy=$1
data=$2
python3 - "$copy/chat.db" <<'PYTHON' || { echo "There is no copy of a chat in $copy; nothing was changed." >&2; exit 1; }
import sqlite3
import sys

try:
    with open(sys.argv[1], "rb"):
        sqlite3.connect(sys.argv[1]).execute("SELECT 1 FROM meta")
except (OSError, sqlite3.Error) as error:
    sys.exit(str(error))
PYTHON
[ -d "$data" ] || { echo "There is no folder $data." >&2; exit 1; }
old=$data/before-restore_$(date +%Y-%m-%d_%H-%M-%S)
mkdir -p "$old"
for each in chat.db chat.db-wal chat.db-shm plugins; do
    if [ -e "$data/$each" ]; then mv "$data/$each" "$old/"; fi
done
cp -a "$copy/chat.db" "$data/"
if [ -d "$copy/plugins" ]; then cp -a "$copy/plugins" "$data/"; fi
# A new epoch: clients drop what they know from after the copy.
python3 - "$data/chat.db" <<'PYTHON'
import sqlite3
import sys

with sqlite3.connect(sys.argv[1]) as database:
    database.execute("DELETE FROM meta WHERE key = 'epoch'")
PYTHON
echo "Restored; what was there is in $old."
