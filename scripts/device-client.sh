#!/usr/bin/env bash
# Sends a dump to an agent's device socket, prints the blocks' results, fetches a key: device-client.sh SOCKET LINK FILE
set -euo pipefail
device() { "$(dirname "$(readlink -f "$0")")/qdistill" device "$@"; }
socket=$1 link=$2 file=$3
device send --socket "$socket" --link "$link" "$file"
device status --socket "$socket" --link "$link"
device keys --socket "$socket" --link "$link" --size 256 --out - | sed 's/"key":"[^"]*"/"key":"…"/g' # the other site gets it by --id
