#!/bin/sh
# Asks every endpoint of a provider once, without credentials, and says what each status means.
#
#   scripts/test_endpoints.sh [ISSUER] [--client-id ID --client-secret SECRET]
#
# ISSUER is http://localhost:5000 by default. With a client, which may also be in CLIENT_ID and CLIENT_SECRET, it goes on
# with requests of that client: a token for itself, introspection, userinfo, revocation, the start of three flows (the
# first with REDIRECT_URI, by default http://localhost:8080/callback). What they leave expires by itself.
# The endpoints are those of /openapi.json and of discovery, and the pages of scripts/endpoints.txt.
# Exit code: 0 all as expected, 1 a status that was not expected or an endpoint that the table lacks, 2 no such provider.
# It needs sh, curl and the standard tools of Debian. tests/documents/test_endpoints.test.ts compares the table with the server.
set -u

usage() {
  sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
  exit "$1"
}

ISSUER=http://localhost:5000
REDIRECT_URI=${REDIRECT_URI:-http://localhost:8080/callback}
while [ $# -gt 0 ]; do
  case $1 in
    --client-id | --client-secret)
      [ $# -gt 1 ] || { echo "$1 needs a value" >&2; exit 2; }
      if [ "$1" = --client-id ]; then CLIENT_ID=$2; else CLIENT_SECRET=$2; fi
      shift
      ;;
    -h | --help) usage 0 ;;
    http://* | https://*) ISSUER=${1%/} ;;
    *) echo "unknown: $1" >&2; usage 2 >&2 ;;
  esac
  shift
done

# KIND METHODS PATH [PAGE] of each endpoint.
endpoints() { grep -v '^#' "$(dirname "$0")/endpoints.txt"; }

# KIND STATUS: what the status means at such an endpoint without credentials. Fails for a status that is not expected.
meaning() {
  case "$1 $2" in
    'document 200') echo 'a public document' ;;
    'resource 404') echo 'no API of that name; this provider describes itself one path above' ;;
    'origins 200') echo 'the origins that may use the passkeys of this provider' ;;
    'origins 404') echo 'no other origin may use the passkeys of this provider' ;;
    'health 200') echo 'the provider serves' ;;
    'health 503') echo 'the provider cannot serve; checks names the part that fails' ;;
    'metrics 200') echo 'counters, for this machine or a caller with METRICS_TOKEN' ;;
    'metrics 401' | 'metrics 403') echo 'counters are for this machine, or for a caller with METRICS_TOKEN' ;;
    'authorize 400') echo 'no client is named: an error page, because there is no address to redirect to' ;;
    'authorize 303') echo 'the form of another site becomes a GET, which has the cookies' ;;
    'client 401') echo 'no client authentication: send Authorization: Basic, or client_id with what the client registered' ;;
    'bearer 401') echo 'no access token: send Authorization: Bearer' ;;
    'registration 400') echo 'registration is open; the body must be JSON with the metadata of the client' ;;
    'registration 401') echo 'registration needs an initial access token' ;;
    'registration 403') echo 'registration is closed' ;;
    'pair 200') echo 'a PKCE pair, to see what one looks like' ;;
    'page 200') echo 'a page for every browser' ;;
    'logout 200') echo 'no session: there is nothing to end' ;;
    'logout 303') echo 'the form of another site becomes a GET, which has the cookies' ;;
    'file 200') echo 'a file that a page loads' ;;
    'file 404') echo 'no such file' ;;
    'language 400') echo 'the language is missing' ;;
    'login 303') echo 'begins a sign-in, which has its own address' ;;
    'step 400') echo 'a page of a sign-in: its address has an interaction, which begins at /authorize' ;;
    'upstream 404') echo 'no upstream provider of that name' ;;
    'form 200') echo 'a page with a form for every browser' ;;
    'link 400') echo 'the page of a link: the link has a token' ;;
    'account 303') echo 'no session: the sign-in page comes first' ;;
    'stream 403') echo 'events for a signed-in administrator' ;;
    'step 403' | 'login 403' | 'form 403' | 'link 403' | 'account 403')
      echo 'a form is accepted with its csrf_token and the cookie of its browser alone (docs/forms.md)'
      ;;
    'lab 200') echo 'a page of the lab' ;;
    'lab 303' | 'lab 400') echo 'a page of the lab, which begins with another one' ;;
    *) return 1 ;;
  esac
}

DONE=0
WRONG=0
# Only their owner can read them: curl takes secrets from files, because other users see the arguments of a command.
FILES=$(mktemp -d) || exit 2
JAR=$FILES/cookies BODY=$FILES/body AS_CLIENT=$FILES/client WITH_TOKEN=$FILES/token
trap 'rm -rf "$FILES"' EXIT
trap 'exit 2' INT TERM

# METHOD URL [OPTIONS of curl]: STATUS and the file BODY have the answer. A rate limit is waited for, once for each URL.
ask() {
  METHOD=$1 URL=$2
  shift 2
  case $METHOD in GET) ;; *) set -- -d '' "$@" ;; esac
  ANSWER=$(curl -sS -m 20 -o "$BODY" -w '%{http_code} %header{retry-after}' -X "$METHOD" "$@" "$URL") || ANSWER=000
  STATUS=${ANSWER%% *}
  if [ "$STATUS" = 429 ] && [ "${LIMITED:-}" != "$METHOD $URL" ]; then
    LIMITED="$METHOD $URL"
    sleep "${ANSWER##* }"
    ask "$METHOD" "$URL" "$@"
  fi
}

# METHOD PATH TEXT: a line of the report on STATUS. Without a text the status was not expected.
report() {
  DONE=$((DONE + 1)) VERDICT=ok SAID=$3
  [ -n "$3" ] || WRONG=$((WRONG + 1)) VERDICT=WRONG SAID=$(head -c 300 "$BODY")
  printf '%-5s %s %-6s %s: %s' "$VERDICT" "$STATUS" "$1" "$2" "$SAID" | tr -c '[:print:]' ' '
  echo
}

# The addresses of a page: of its links, scripts and stylesheets, below the path of the issuer.
linked() {
  curl -sS -m 20 -L -b "$JAR" -c "$JAR" "$ISSUER$1" | grep -oE '(src|href)="[^"]+"' | cut -d '"' -f 2 | sed -n "s#^$BASE/#/#p"
}

# Lines `METHOD PATH` of an OpenAPI document, with `*` for each parameter. Every second piece between quotes is a string.
operations() {
  awk -v RS='"' '
    inside {
      text = text $0
      if (match($0, /\\+$/) && RLENGTH % 2) { text = text "\""; next }
      inside = 0
      next
    }
    {
      if (/^[ \n]*:/) {
        if (depth == 1) section = text
        if (depth == 2) path = text
        if (depth == 3 && section == "paths" && text ~ /^(get|post|put|patch|delete)$/) print toupper(text), path
      }
      depth += gsub(/[{[]/, "&") - gsub(/[]}]/, "&")
      inside = 1
      text = ""
    }' | sed 's/{[^}]*}/*/g'
}

# The table, then after an empty line `METHOD PATH` of what the provider says of itself: lines KIND METHOD PATH SERVED PAGE.
plan() {
  awk '
    NF == 0 { rest = 1; next }
    !rest && $2 == "*" { kind[$3] = $1; next }
    !rest {
      n = split($2, methods, ",")
      for (i = 1; i <= n; i++) { at = methods[i] " " $3; row[++rows] = at; of[at] = $1; page[at] = $4; path[$3] = 1 }
      next
    }
    $1 == "ANY" && path[$2] { next }
    $1 == "ANY" { $1 = "GET" }
    !($0 in of) {
      row[++rows] = $0
      of[$0] = "unknown"
      for (each in kind) if (index($2, substr(each, 1, length(each) - 1)) == 1) of[$0] = kind[each]
    }
    { served[$0] = 1 }
    END { for (i = 1; i <= rows; i++) print of[row[i]], row[i], (served[row[i]] ? "served" : "perhaps"), page[row[i]] }'
}

BASE=$(echo "$ISSUER" | sed 's#^[a-z]*://[^/]*##')
ask GET "$ISSUER/.well-known/openid-configuration"
if [ "$STATUS" != 200 ] || ! grep -qF "\"issuer\":\"$ISSUER\"" "$BODY"; then
  echo "no provider with the issuer $ISSUER: discovery answers $STATUS" >&2
  exit 2
fi
NAMED=$(tr ',' '\n' < "$BODY" | sed -n "s#.*\"\(\(.*_endpoint\)\|jwks_uri\|check_session_iframe\)\":\"$ISSUER\(/[^\"]*\)\".*#ANY \3#p")
ask GET "$ISSUER/openapi.json"
DESCRIBED=$(operations < "$BODY")
LAB=$(linked /lab | sed -n 's#^/lab.*#GET &#p')

while read -r KIND METHOD KNOWN SERVED PAGE; do
  SENT=$(echo "$KNOWN" | sed 's/\*/example/g')
  [ -z "$PAGE" ] || SENT=$(linked "$PAGE" | grep -m 1 "^${KNOWN%%\**}") || SENT=$(echo "$KNOWN" | sed 's/\*/example/g')
  ask "$METHOD" "$ISSUER$SENT"
  TEXT=$(meaning "$KIND" "$STATUS") ||
    case $STATUS$SERVED in 404perhaps) TEXT='not here: the feature is off, or is not for this caller' ;; esac
  report "$METHOD" "$KNOWN" "$TEXT"
done <<END
$({ endpoints; printf '\n%s\n%s\n%s\n' "$NAMED" "$DESCRIBED" "$LAB"; } | plan)
END

# STATUS|TEXT … for one request of a client.
expect() {
  AT="$1 $2"
  shift 2
  TEXT=
  for EACH; do case $EACH in "$STATUS|"*) TEXT=${EACH#*|} ;; esac; done
  report "${AT% *}" "${AT#* }" "$TEXT"
}
quoted() { printf '%s' "$1" | sed 's/["\\]/\\&/g'; }
member() { tr ',{}' '\n\n\n' < "$BODY" | sed -n "s/^\"$1\":\"*\([^\"]*\)\"*\$/\1/p"; }
serves() { echo "$NAMED" | grep -qx "ANY $1"; }

if [ -n "${CLIENT_ID:-}" ]; then
  if [ -n "${CLIENT_SECRET:-}" ]; then
    echo "user = \"$(quoted "$CLIENT_ID"):$(quoted "$CLIENT_SECRET")\""
  else
    echo "data-urlencode = \"client_id=$(quoted "$CLIENT_ID")\""
  fi > "$AS_CLIENT"
  ask POST "$ISSUER/token" -K "$AS_CLIENT" -d grant_type=client_credentials
  expect POST /token '200|a token for the client itself' '400|the client is known, and may not use client_credentials'
  TOKEN=$(member access_token)
  echo "data-urlencode = \"token=${TOKEN:-none}\"" > "$WITH_TOKEN"
  ask POST "$ISSUER/introspect" -K "$AS_CLIENT" -K "$WITH_TOKEN"
  expect POST /introspect "200|active is $(member active)" \
    "${CLIENT_SECRET:+no }401|a client without a secret may not introspect"
  if [ -n "$TOKEN" ]; then
    echo "header = \"Authorization: Bearer $TOKEN\"" > "$FILES/bearer"
    ask GET "$ISSUER/userinfo" -K "$FILES/bearer"
    expect GET /userinfo '403|the token is good, and is of no End-User'
    ask GET "$ISSUER/admin/v1/self" -K "$FILES/bearer"
    expect GET /admin/v1/self '401|the token is good, and is for another API than the administration' \
      '404|the administration is off, or not for this address'
  fi
  ask POST "$ISSUER/revoke" -K "$AS_CLIENT" -K "$WITH_TOKEN"
  expect POST /revoke '200|the token is revoked, or was never good'
  if [ -n "$TOKEN" ]; then
    ask POST "$ISSUER/introspect" -K "$AS_CLIENT" -K "$WITH_TOKEN"
    [ "$(member active)" = false ] || STATUS=active
    expect POST /introspect '200|active is false: the revocation holds'
  fi
  if serves /par; then
    ask POST "$ISSUER/par" -K "$AS_CLIENT" -d response_type=code -d code_challenge_method=S256 \
      -d code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM --data-urlencode "redirect_uri=$REDIRECT_URI"
    expect POST /par '201|the request is kept for a moment, under a request_uri' "400|$(member error): $(member error_description)"
  fi
  if serves /device_authorization; then
    ask POST "$ISSUER/device_authorization" -K "$AS_CLIENT"
    expect POST /device_authorization '200|codes for a device, which expire' '400|the client may not use the grant type of devices'
  fi
  if serves /bc-authorize; then
    ask POST "$ISSUER/bc-authorize" -K "$AS_CLIENT" -d scope=openid -d login_hint=nobody
    expect POST /bc-authorize '400|the client may not use CIBA, or no End-User has this login_hint'
  fi
fi

printf '%s requests, %s with a status that was not expected\n' "$DONE" "$WRONG"
[ "$WRONG" = 0 ]
