#!/usr/bin/env bash
# Checks /metrics with the real Prometheus: promtool's lint, then a scrape by a running server.
#
# Starts a gateway of its own on free ports (configs/dev.toml with a temporary store), sends a few messages through it,
# and removes everything afterwards. Needs the virtual environment (`make test` makes it) and Debian's `prometheus`
# package, which it installs when it is missing and this is root.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin

if ! command -v promtool >/dev/null; then
    apt-get update -qq && apt-get install -qq -y --no-install-recommends prometheus >/dev/null
fi

work=$(mktemp -d)
pids=()
finish() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait
    rm -rf "$work"
}
trap finish EXIT

free_port() { "$bin/python" -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
wait_for() { # wait_for SECONDS COMMAND...: until the command succeeds
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || { echo "gave up on: $*" >&2; cat "$work"/*.log >&2; exit 1; }
        sleep 0.2
    done
}

smpp=$(free_port) http=$(free_port) prom=$(free_port)
sed -e "s#^smpp_listen = .*#smpp_listen = \"127.0.0.1:$smpp\"#" -e "s#^http_listen = .*#http_listen = \"127.0.0.1:$http\"#" \
    -e "s#^path = .*#path = \"$work/smsagg.db\"#" configs/dev.toml >"$work/gateway.toml"
cp -r configs/cards configs/prices "$work"
"$bin/smsagg" serve --config "$work/gateway.toml" >"$work/gateway.log" 2>&1 &
pids+=($!)
wait_for 20 curl -sf "http://127.0.0.1:$http/readyz"

"$bin/python" - "$smpp" <<'PYTHON'
import sys

import smpplib.client

received = []
client = smpplib.client.Client("127.0.0.1", int(sys.argv[1]), allow_unknown_opt_params=True)
client.set_message_sent_handler(lambda pdu: None)
client.set_message_received_handler(lambda pdu: received.append(pdu))
client.connect()
client.bind_transceiver(system_id="demo", password="demo-pw")
for number in ("447700900123", "84901234567", "998901234567"):
    client.send_message(
        source_addr="smsagg", destination_addr=number, dest_addr_ton=1, short_message=b"hello", registered_delivery=1
    )
while len(received) < 3:
    client.read_once()
client.unbind()
client.disconnect()
PYTHON

curl -sf "http://127.0.0.1:$http/metrics" >"$work/metrics.txt"
promtool check metrics <"$work/metrics.txt"
echo "promtool: $(grep -vc '^#' "$work/metrics.txt") samples, no complaint"

cat >"$work/prometheus.yml" <<YAML
global: { scrape_interval: 1s, scrape_timeout: 1s }
scrape_configs:
  - { job_name: smsagg, static_configs: [{ targets: ["127.0.0.1:$http"] }] }
YAML
promtool check config "$work/prometheus.yml" >/dev/null
prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/tsdb" \
    --web.listen-address="127.0.0.1:$prom" >"$work/prometheus.log" 2>&1 &
pids+=($!)

holds() { # holds QUERY: whether the query gives a value other than 0
    promtool query instant "http://127.0.0.1:$prom" "$1" | grep -Eq '=> [1-9]'
}
wait_for 30 holds 'up{job="smsagg"} == 1'
wait_for 10 holds 'sum(smsagg_messages_accepted_total) == 3'
wait_for 10 holds 'sum(smsagg_delivery_attempts_total{outcome="delivered"}) == 3'
wait_for 10 holds 'histogram_quantile(0.99, sum by (le) (smsagg_messages_end_to_end_latency_seconds_bucket)) > 0'
echo "prometheus: scraped $(promtool query instant "http://127.0.0.1:$prom" 'scrape_samples_scraped' | sed 's/.*=> \([0-9]*\).*/\1/') samples"
