#!/usr/bin/env bash
# Passona: a group with contacts, a template, and a throttled campaign that is paused and goes on.
. "$(dirname "$0")/common.sh"
api="$BASE/api/2.0"
json=(--header 'Accept: application/json' --header 'Content-Type: application/json'
  --header "Authorization: Bearer $TOKEN" --silent --show-error --fail-with-body)

group=$(curl --location "$api/contact-groups" "${json[@]}" --data '{
"name": "New Contact Group",
"description": "A new contact group",
"deletable": true
}' | value data.uuid)

curl --location --request PUT "$api/contact-groups/$group/add-contacts" "${json[@]}" --data '{
"contacts": [
{
"phone_number": "447713252151",
"custom_fields": {
"first_name": "John",
"last_name": "Doe"
}
},
{
"phone_number": "447713252152",
"custom_fields": {
"first_name": "Jane",
"last_name": "Doe"
}
}
]
}' | value data.status
until_it_says data.status Ready curl --location "$api/contact-groups/$group" "${json[@]}"

curl --location "$api/contact-groups/unique-contacts" "${json[@]}" --data '{
"included_contact_group_uuids": ["'"$group"'"],
"excluded_contact_group_uuids": []
}' | value data.1.phone_number

template=$(curl --location "$api/templates" "${json[@]}" --data '{
"name": "Greeting",
"body": "Hello @first_name"
}' | value data.uuid)

campaign=$(curl --location "$api/campaigns/" "${json[@]}" --data '{
"name" : "New Campaign",
"sender" : "Digitonic",
"throttled" : true,
"scheduled_send_date" : "'"$(at 2)"'",
"scheduled_finish_date" : "'"$(at 10)"'",
"expiry_date" : "'"$(at 3600)"'",
"pauses" : [
{
"start_at" : "'"$(at 7)"'",
"end_at" : "'"$(at 8)"'"
}
],
"included_contact_groups" : ["'"$group"'"],
"excluded_contact_groups" : [],
"template_uuid" : "'"$template"'"
}' | value data.uuid)

for paused in True None; do
  curl --location --request PUT "$api/campaigns/$campaign/toggle-paused-status" "${json[@]}" \
    | value data.manually_paused | grep -qx "$paused"
done
until_it_says data.status 2 curl --location "$api/campaigns/$campaign" "${json[@]}" --data '' \
  --request GET
echo "Sent: campaign $campaign."
