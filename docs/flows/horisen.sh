#!/usr/bin/env bash
# HORISEN: a token for a client, a campaign for a list, a clone of it with other words.
#   Besides BASE and TOKEN: SERVICE_UUID, the team; CLIENT_ID and CLIENT_SECRET, of
#   `sluice clients create`; LIST, the uuid of a group.
. "$(dirname "$0")/common.sh"
: "${SERVICE_UUID:?}" "${CLIENT_ID:?}" "${CLIENT_SECRET:?}" "${LIST:?}"

ACCESS_TOKEN=$(curl --silent --show-error --fail-with-body "$BASE/oauth2/access-token" \
  -d "grant_type=client_credentials&client_id=$CLIENT_ID&client_secret=$CLIENT_SECRET" \
  | value access_token)
campaigns="$BASE/news/v1/services/$SERVICE_UUID/campaigns"
common=(--silent --show-error --fail-with-body -H "Authorization: Bearer $ACCESS_TOKEN")

uuid=$(curl -X 'POST' \
    "$campaigns" "${common[@]}" \
    -H 'accept: application/json' \
    -H 'Content-Type: application/json' \
    -d '{
    "name": "New Campaign",
    "status": "active",
    "sending_type": "sms",
    "schedule_type": "once",
    "schedule_rrule": "'"$(at 2)"'",
    "template": "Hello @first_name",
    "sender": "+41587000000",
    "recipient_lists": "'"$LIST"'"
    }' | value uuid)
until_it_says status finished curl -X 'GET' "$campaigns/$uuid" "${common[@]}" \
    -H 'accept: application/json'

draft=$(curl -X 'POST' \
    "$campaigns" "${common[@]}" \
    -H 'accept: application/json' \
    -H 'Content-Type: application/json' \
    -d '{
    "name": "Weather",
    "status": "draft",
    "sending_type": "sms",
    "schedule_type": "now",
    "template": "Now {temp} and {wind}",
    "sender": "+41587000000",
    "recipient_lists": "'"$LIST"'"
    }' | value uuid)
clone=$(curl -X 'POST' \
    "$campaigns" "${common[@]}" \
    -H 'accept: application/json' \
    -H 'Content-Type: application/json' \
    -d '{
    "clone_uuid": "'"$draft"'",
    "template_vars": {
      "temp": "-22C",
      "wind": "100km/h"},
    "name": "Bad weather conditions",
    "schedule_type": "once",
    "schedule_rrule": "'"$(at 6)"'"
    }' | value uuid)
for status in stopped active; do
  curl -X 'PATCH' \
      "$campaigns/$clone" "${common[@]}" \
      -H 'accept: application/json' \
      -H 'Content-Type: application/json' \
      -d '{
      "status": "'"$status"'"
      }'
  curl -X 'GET' \
      "$campaigns?sending_type=sms&status=$status&sort=-created_dt" "${common[@]}" \
      -H 'accept: application/json' | value data.0.uuid | grep -qx "$clone"
done
until_it_says status finished curl -X 'GET' "$campaigns/$clone" "${common[@]}" \
    -H 'accept: application/json'
curl -X 'DELETE' \
  "$campaigns/$draft" "${common[@]}" \
  -H 'accept: application/json'
echo "Sent: campaigns $uuid and $clone."
