#!/bin/sh
# The service API with curl: sh docs/examples/services.sh [http://127.0.0.1:8000] [name:password]
# Orders a pizza at once, then accepts the completion of its form and asks how far it is.
set -eu
BASE=${1:-http://127.0.0.1:8000}/services
WHO=${2:-alice:alice}
WORKFLOW=${WORKFLOW:-pizza-order-slow-async}
KEY=order-$$-$(date +%s)
call() { curl --silent --show-error --fail-with-body --user "$WHO" --header 'Content-Type: application/json' "$@"; echo; }
field() { python3 -c "import json, sys; found = json.load(sys.stdin); print($1)"; }

call "$BASE/$WORKFLOW?businessKey=$KEY" --header "Idempotency-Key: $KEY" --data '{}'
TASK=$(call "$BASE/$WORKFLOW/$KEY/tasks" | field "found[0]['reference']")

REQUEST=$(curl --silent --fail-with-body --user "$WHO" "$BASE$TASK" --header 'Content-Type: application/json' --header 'X-ATK-Mode: async' \
    --data '{"customername": "Alice", "deliveryaddress": "Canal Street 1", "pizza": "Marinara"}' --output /dev/null \
    --write-out '%header{location}')

STATE=accepted
while [ "$STATE" = accepted ] || [ "$STATE" = running ]; do
    sleep 1
    STATE=$(call "$REQUEST" | field "found['state']")
    echo "the request is $STATE"
done
call --request DELETE "$BASE/$WORKFLOW/$KEY"
