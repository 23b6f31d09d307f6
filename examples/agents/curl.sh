#!/bin/sh
# curl to Wadi: each line of standard input is one record; the answer says how many stand. README.md tells the rest.
#
#   printf '{"n":1}\n{"n":2}\n' | examples/agents/curl.sh
#
# WADI_URL: the server (http://127.0.0.1:8080); WADI_TOKEN: a token, where it asks for one.
set -eu

curl --fail-with-body --silent --show-error \
  ${WADI_TOKEN:+-H "Authorization: Bearer $WADI_TOKEN"} \
  -H 'Content-Type: application/x-ndjson' --data-binary @- \
  "${WADI_URL:-http://127.0.0.1:8080}/v1/topics/curl/records?as=values"
