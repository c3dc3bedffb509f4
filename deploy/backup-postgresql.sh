#!/bin/sh
# Copy all that running servers with PostgreSQL keep into a new folder below TARGET:
#   backup-postgresql.sh STORE_URL DATA_DIR TARGET
# To be run as the servers' user, with PostgreSQL's own address, not a pooler's. Needs the package postgresql-client.
set -eu
umask 077
url=$1
data=$2
target=$3/$(date +%Y-%m-%d_%H-%M-%S)
mkdir -p "$target"
# Files come after the database: those that messages name by then are all there.
pg_dump --format=custom --file="$target/chat.dump" "$url" || { rm -f "$target/chat.dump"; rmdir "$target"; exit 1; }
for each in plugins jwt_keys.json; do
    if [ -e "$data/$each" ]; then cp -a "$data/$each" "$target/"; fi
done
echo "$target"
