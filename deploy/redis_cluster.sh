#!/bin/sh
# Joins the servers of NODES (address:port …) as three primaries with a replica each, unless they are joined already, and
# waits until they agree. PASSWORD_FILE has their password, if they have one.
set -eu
[ -z "${PASSWORD_FILE:-}" ] || { REDISCLI_AUTH=$(cat "$PASSWORD_FILE"); export REDISCLI_AUTH; }
first=${NODES%% *}
ask() { redis-cli -h "${first%%:*}" -p "$(echo "${first#*:}" | cut -d@ -f1)" "$@"; }

if ask cluster info | grep -q '^cluster_known_nodes:1.$'; then
  # shellcheck disable=SC2086 # one argument for each server
  redis-cli --cluster create $NODES --cluster-replicas 1 --cluster-yes
fi
tries=0
until ask cluster info | grep -q '^cluster_state:ok'; do
  tries=$((tries + 1))
  [ "$tries" -lt 60 ] || { echo 'the cluster does not agree after 60 seconds: look at "cluster nodes" of each server' >&2; exit 1; }
  sleep 1
done
echo "the cluster is whole"
