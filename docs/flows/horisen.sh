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
    "template": "Hello @first_name, it is {temp} outside, with a wind of {wind}",
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
    "schedule_rrule": "'"$(at 60)"'"
    }' | value uuid)
curl -X 'PATCH' \
    "$campaigns/$clone" "${common[@]}" \
    -H 'accept: application/json' \
    -H 'Content-Type: application/json' \
    -d '{
    "status": "stopped"
    }'
curl -X 'GET' \
    "$campaigns?sending_type=sms&status=stopped&sort=-created_dt" "${common[@]}" \
    -H 'accept: application/json' | value data.0.uuid | grep -qx "$clone"
curl -X 'DELETE' \
  "$campaigns/$clone" "${common[@]}" \
  -H 'accept: application/json'
echo "Sent: campaign $uuid."
