#!/bin/sh
# Put a copy that backup-postgresql.sh has made in the place of what stopped servers keep:
#   restore-postgresql.sh COPY STORE_URL DATA_DIR
# What was there is kept beside it. To be run as the servers' user, with PostgreSQL's own address.
set -eu
umask 077
copy=$1
url=$2
data=$3
pg_restore --list "$copy/chat.dump" | grep -q ' TABLE DATA public meta ' || {
    echo "There is no copy of a chat in $copy; nothing was changed." >&2
    exit 1
}
[ -d "$data" ] || { echo "There is no folder $data." >&2; exit 1; }
others=$(psql --no-psqlrc --quiet --tuples-only --no-align --dbname="$url" --command="SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'chatserver'")
[ "$others" = 0 ] || { echo "Stop all servers first: $others connections are open; nothing was changed." >&2; exit 1; }
old=$data/before-restore_$(date +%Y-%m-%d_%H-%M-%S)
mkdir -p "$old"
pg_dump --format=custom --file="$old/chat.dump" "$url"
pg_restore --clean --if-exists --no-owner --single-transaction --dbname="$url" "$copy/chat.dump"
# A new epoch: clients drop what they know from after the copy.
psql --no-psqlrc --quiet --dbname="$url" --command="DELETE FROM meta WHERE key = 'epoch'"
for each in plugins jwt_keys.json; do
    if [ -e "$data/$each" ]; then mv "$data/$each" "$old/"; fi
    if [ -e "$copy/$each" ]; then cp -a "$copy/$each" "$data/"; fi
done
echo "Restored; what was there is in $old."
