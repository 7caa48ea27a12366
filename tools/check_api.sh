#!/usr/bin/env bash
# Checks the HTTP API against its own OpenAPI document: schemathesis sends what the document allows, what it forbids and
# what nobody thinks of, and every answer must be one that the document tells of; none may be a 5xx.
#
# Starts a gateway of its own on free ports (configs/dev.toml with a temporary store) and removes it afterwards. Needs the
# virtual environment (`make test` makes it); schemathesis gets one of its own, as it brings a plugin for pytest along.
# The stream of events does not end by itself and is left to the tests. An account's key asks for all there is, and
# the operator's for what is the operator's.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/.venv/bin tools=$PWD/.venv-check-api

if ! [ -x "$tools/bin/schemathesis" ]; then
    "$bin/python" -m venv "$tools"
    "$tools/bin/python" -m pip install --quiet --disable-pip-version-check 'schemathesis==4.32.5'
fi

work=$(mktemp -d)
pid=
finish() {
    [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
    wait
    rm -rf "$work"
}
trap finish EXIT

free_port() { "$bin/python" -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

smpp=$(free_port) http=$(free_port)
sed -e "s#^smpp_listen = .*#smpp_listen = \"127.0.0.1:$smpp\"#" -e "s#^http_listen = .*#http_listen = \"127.0.0.1:$http\"#" \
    -e "s#^path = .*#path = \"$work/smsagg.db\"#" configs/dev.toml >"$work/gateway.toml"
cp -r configs/cards configs/prices "$work"
"$bin/python" -m smsagg serve --config "$work/gateway.toml" >"$work/gateway.log" 2>&1 &
pid=$!
deadline=$((SECONDS + 20))
until curl -sf "http://127.0.0.1:$http/readyz" >/dev/null; do
    [ "$SECONDS" -lt "$deadline" ] || { cat "$work/gateway.log" >&2; exit 1; }
    sleep 0.2
done

# What the document allows may still be refused for what it says (a number that nobody has): 422.
cd "$work"
check() { # KEY PHASES [OPTION …]
    local key=$1 phases=$2
    shift 2
    "$tools/bin/schemathesis" run "http://127.0.0.1:$http/v1/openapi.json" -H "Authorization: Bearer $key" \
        --phases "$phases" --max-examples "${EXAMPLES:-100}" ${SEED:+--seed "$SEED"} --continue-on-failure \
        --exclude-path /v1/events/stream --exclude-checks positive_data_acceptance "$@"
}
check sk_hooks examples,coverage,fuzzing,stateful
owner=$(curl -sf "http://127.0.0.1:$http/v1/admin/keys?account=hooks" -H 'Authorization: Bearer sk_operator' \
    -H 'Content-Type: application/json' -d '{"name": "check-api", "role": "owner"}' |
    "$bin/python" -c 'import json, sys; print(json.load(sys.stdin)["secret"])')
check "$owner" examples,coverage,fuzzing --include-path-regex '^/v1/(keys|clients|users|me|oauth|personal-data)'
check sk_operator examples,coverage,fuzzing --include-path-regex '^/v1/(admin|audit)'
if grep -q '"level":"error"' "$work/gateway.log"; then
    grep '"level":"error"' "$work/gateway.log" >&2
    exit 1
fi
