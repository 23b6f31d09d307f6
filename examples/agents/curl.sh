#!/bin/sh
# curl to Wadi: each line of standard input is one record, sent as it comes. Prints the answer: a line for each commit,
# and at the end one that says {"done":true,…} if all stand. Exits 1 if not. README.md tells the rest.
#
#   printf '{"n":1}\n{"n":2}\n' | examples/agents/curl.sh
#
# WADI_URL: the server (http://127.0.0.1:8080); WADI_TOKEN: a token, where it asks for one.
set -eu

# The status is 200 as soon as the first lines stand; only the last line of the answer says whether all do.
curl --silent --show-error --no-buffer --request POST --upload-file - \
  ${WADI_TOKEN:+-H "Authorization: Bearer $WADI_TOKEN"} \
  -H 'Content-Type: application/x-ndjson' \
  "${WADI_URL:-http://127.0.0.1:8080}/v1/topics/curl/records?as=values" |
  {
    last=
    while IFS= read -r line || [ -n "$line" ]; do
      printf '%s\n' "$line"
      last=$line
    done
    case $last in
      '{"done":true,'*) ;;
      *) exit 1 ;;
    esac
  }
