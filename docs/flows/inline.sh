#!/usr/bin/env bash
# Inline contacts: a campaign that brings its recipients with it.
. "$(dirname "$0")/common.sh"
campaigns="$BASE/api/Campaigns"
common=(--silent --show-error --fail-with-body --header "Authorization: Bearer $TOKEN")

id=$(curl "${common[@]}" --request POST "$campaigns" \
  --header 'Content-Type: application/json' --data '{
  "startDateTime": "'"$(date -u -d "@$(($(date +%s) + 2))" '+%Y-%m-%dT%H:%M:%S.000Z')"'",
  "sender": "Sluice",
  "message": "Hello @name",
  "contacts": [
    {
      "phoneNumber": "447713252151",
      "name": "John",
      "custom1": "one",
      "custom2": "two"
    },
    {
      "phoneNumber": "447713252152",
      "name": "Jane"
    }
  ]
}' | value '')
curl "${common[@]}" "$campaigns/$id/Contacts" | value totalRecords | grep -qx 2
until_it_says status 2 curl "${common[@]}" "$campaigns/$id"
echo "Sent: campaign $id."
