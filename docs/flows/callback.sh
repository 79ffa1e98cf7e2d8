#!/usr/bin/env bash
# The Callback API: a draft, scheduled, sent, and told about at an address of the caller's.
#   Besides BASE and TOKEN: LIST, the number of a group (`sluice groups list`), and CALLBACK, a URL.
. "$(dirname "$0")/common.sh"
: "${LIST:?}" "${CALLBACK:?}"
common=(--silent --show-error --fail-with-body --header "Authorization: Bearer $TOKEN")

# sending_type, sender and template say what is sent; the document leaves that to another place.
id=$(curl "${common[@]}" --request POST "$BASE/campaign" \
  --data-urlencode 'name=Newsletter' \
  --data-urlencode "list=$LIST" \
  --data-urlencode 'state=DRAFT' \
  --data-urlencode "when=$(($(date +%s) + 2))" \
  --data-urlencode "event_callback=$CALLBACK" \
  --data-urlencode 'sending_type=sms' \
  --data-urlencode 'sender=Sluice' \
  --data-urlencode 'template=Hello @first_name' | value id)
curl "${common[@]}" --request PUT "$BASE/campaign/$id" \
  --data-urlencode 'state=SCHEDULED' | value state | grep -qx SCHEDULED
until_it_says state DONE curl "${common[@]}" "$BASE/campaign/$id"
echo "Sent: campaign $id."
