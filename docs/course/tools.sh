# Functions that the lessons of docs/course share. They need bash, curl, openssl, sed and awk.
# Use:  . docs/course/tools.sh
# ISSUER names another provider than that of `bun start`.

[ -n "${BASH_VERSION-}" ] || { echo 'These functions are for bash: type bash, then this line again.'; return 1; }
ISSUER=${ISSUER:-http://localhost:5000}
if [[ -f ${COURSE-}/.latchkey_course ]]; then rm -rf "$COURSE"; fi
COURSE=$(mktemp -d) # cookies and keys: only you can read it, and it goes when the shell ends
touch "$COURSE/.latchkey_course"
trap 'rm -rf "$COURSE"' EXIT

# --- Text ---

b64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; } # RFC 4648 section 5, without padding
random() { printf '%s\n' "$(openssl rand 32 | b64url)"; }   # 256 bits as 43 characters
s256() { printf '%s\n' "$(printf '%s' "$1" | openssl dgst -sha256 -binary | b64url)"; }
unhex() { printf "$(sed 's/../\\x&/g')"; }
unb64url() { # adds the padding that a JWT leaves out
  local text
  text=$(tr -- '-_' '+/')
  while ((${#text} % 4)); do text+='='; done
  printf '%s' "$text" | openssl base64 -d -A
}
encode() { # TEXT: percent-encoded, as a value in a query (ASCII alone)
  local i each
  for ((i = 0; i < ${#1}; i++)); do
    each=${1:i:1}
    case $each in [A-Za-z0-9._~-]) printf '%s' "$each" ;; *) printf '%%%02X' "'$each" ;; esac
  done
}
param() { # NAME ADDRESS: a parameter of the query or the fragment, decoded
  printf '%b\n' "$(printf '%s' "$2" | tr '?#&' '\n\n\n' | sed -n "s/^$1=//p" | sed -e 's/+/ /g' -e 's/%/\\x/g')"
}
member() { # NAME: a member of the JSON object on the standard input
  printf '%s\n' "$(tr -d '\n' | sed -nE 's/.*"'"$1"'" *: *("([^"]*)"|(\[[^]]*\]|[^],}]*)).*/\2\3/p')"
}
lines() { awk '{ gsub(/,"/, ",\n  \""); sub(/^\{/, "{\n  "); sub(/\}$/, "\n}"); print }'; } # JSON, a member a line
plain() { sed -e 's/<[^>]*>//g' -e "s/&#x27;/'/g" -e 's/&quot;/"/g' -e 's/&lt;/</g' -e 's/&gt;/>/g' -e 's/&amp;/\&/g'; }

# --- JSON Web Tokens ---

part() { printf '%s\n' "$(printf '%s' "$2" | cut -d . -f "$1" | unb64url)"; } # 1 is the header, 2 has the claims
rsa_pem() { # a JWK with kty RSA and 2048 bits on the standard input: the same key as OpenSSL reads it (RFC 5280 section 4.1.2.7)
  { unhex <<< 30820122300d06092a864886f70d01010105000382010f003082010a0282010100; member n | tr -d '\n' | unb64url; unhex <<< 0203010001; } |
    openssl pkey -pubin -inform DER
}
rsa_jwk() { # KEYFILE: the public key as a JWK (RFC 7518 section 6.3.1)
  printf '{"kty":"RSA","e":"AQAB","n":"%s"}' "$(openssl rsa -in "$1" -noout -modulus | sed 's/.*=//' | unhex | b64url)"
}
sign() { # KEYFILE HEADER CLAIMS: a JWT with RS256 (RFC 7515)
  local input
  input=$(printf '%s' "$2" | b64url).$(printf '%s' "$3" | b64url)
  printf '%s.%s\n' "$input" "$(printf '%s' "$input" | openssl dgst -sha256 -sign "$1" -binary | b64url)"
}

ec_jwk() { # KEYFILE with P-256: the public key as a JWK, in the order of a thumbprint (RFC 7638 section 3)
  local xy
  xy=$(openssl ec -in "$1" -pubout -outform DER 2> /dev/null | tail -c 64 | od -An -v -tx1 | tr -d ' \n')
  printf '{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}' "$(unhex <<< "${xy:0:64}" | b64url)" "$(unhex <<< "${xy:64}" | b64url)"
}
sign_ec() { # KEYFILE HEADER CLAIMS: a JWT with ES256. A JWS has the two numbers one after the other (RFC 7518 section 3.4), OpenSSL has DER
  local input
  input=$(printf '%s' "$2" | b64url).$(printf '%s' "$3" | b64url)
  printf '%s.%s\n' "$input" "$(printf '%s' "$input" | openssl dgst -sha256 -sign "$1" -binary | openssl asn1parse -inform DER | sed -n 's/.*INTEGER *://p' |
    awk '{ while (length($0) < 64) $0 = "0" $0; printf "%s", substr($0, length($0) - 63) }' | unhex | b64url)"
}

# --- An authenticator app ---

base32_hex() { # TEXT in Base32 (RFC 4648 section 6), as hexadecimal digits
  awk -v text="$1" 'BEGIN {
    for (i = 1; i <= length(text); i++) {
      left = left * 32 + index("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", substr(text, i, 1)) - 1
      bits += 5
      if (bits >= 8) { bits -= 8; byte = int(left / 2 ^ bits); left -= byte * 2 ^ bits; printf "%02x", byte }
    }
  }'
}
totp() { # KEY: the code of now (RFC 6238, RFC 4226 section 5.3)
  local mac from
  mac=$(printf '%016X' "$(($(date +%s) / 30))" | unhex | openssl dgst -sha1 -mac HMAC -macopt "hexkey:$(base32_hex "$1")" | sed 's/.* //')
  from=$((2 * 0x${mac:39:1}))
  printf '%06d\n' "$(((0x${mac:from:8} & 0x7fffffff) % 1000000))"
}

# --- An End-User with a browser ---

PERSON=alice
visit() { # ADDRESS [OPTIONS of curl]: opens it, and follows redirects while they stay with the provider
  local jar=$COURSE/$PERSON.cookies to
  PAGE=$(curl -sS -b "$jar" -c "$jar" -w '\n%{http_code} %{url_effective} %{redirect_url}' "$@")
  printf '%s\n' "$PAGE" >> "$COURSE/seen"
  read -r STATUS HERE LOCATION <<< "${PAGE##*$'\n'}"
  if [[ $LOCATION ]]; then to=${LOCATION%%[?#]*}; else to=$(title); fi
  printf '%s %s\n' "$STATUS" "${to#"$ISSUER"}"
  if [[ $STATUS == 303 && $LOCATION == "$ISSUER"/* ]]; then visit "$LOCATION"; fi
}
press() { # BUTTON [FIELD=VALUE …]: sends the form that has this button, with its hidden fields. PICK is a text in it, where several have the button
  local form action field options=()
  form=$(printf '%s' "$PAGE" | tr '\n' ' ' | awk '{ gsub(/<form /, "\n&"); print }' | sed -n "/<button [^>]*name=\"$1\"/s#</form>.*##p" | grep -F -- "${PICK-}" | sed -n 1p)
  [[ $form ]] || { echo "no button $1 at $HERE ($STATUS)" >&2; return 1; }
  action=$(printf '%s' "$form" | sed -e 's/.* action="\([^"]*\)".*/\1/' -e 's/&amp;/\&/g')
  for field in $(printf '%s' "$form" | grep -o 'type="hidden" name="[^"]*" value="[^"]*"' | cut -d '"' -f 4,6 | tr '"' '=') "$1=$1" "${@:2}"; do
    options+=(--data-urlencode "$field")
  done
  visit "${options[@]}" "$(printf '%s' "$ISSUER" | cut -d / -f 1-3)$action"
}
title() { printf '%s' "$PAGE" | tr '\n' ' ' | sed -n 's#.*<h1[^>]*>\(.*\)</h1>.*#\1#p' | plain; }
items() { printf '%s' "$PAGE" | tr '\n' ' ' | awk '{ gsub(/<li>/, "\n&"); gsub(/<\/li>/, "&\n"); print }' | sed -n '/^<li><svg/p' | plain | sed -E -e 's/ +/ /g' -e 's/ $//'; } # of the list on the page
browse() { # ADDRESS: PERSON signs in and allows, as far as pages ask; CALLBACK is the address that the browser ends at
  CALLBACK=
  visit "$1"
  for _ in 1 2 3; do
    case $PAGE in
      *' name="login"'*) press login "username=$PERSON" "password=${PERSON}password" ;;
      *' name="allow"'*) press allow ;;
    esac
  done
  CALLBACK=$LOCATION
}

# --- What the provider says, and what you have shown ---

explain() { # an error as JSON, a page or an address on the standard input: what the lab says of it
  local page
  page=$(sed -e 's/%3A/:/g' -e 's/%2F/\//g' -e 's/%3F/?/g' -e 's/%3D/=/g' | grep -o 'http[^"& ]*/lab/error?id=[A-Za-z0-9_-]*' | sed -n '$p')
  curl -sS "$page" | tr '\n' ' ' | sed 's/<h2 id="rule">.*//' |
    awk '{ gsub(/<(dt|h3)[ >]/, "\n&"); gsub(/<\/(dd|h3)>/, "&\n"); gsub(/<\/dt> *<dd>/, ": "); print }' |
    sed -nE '/^<(dt|h3)[ >]/p' | plain | sed -E -e 's/ +/ /g' -e 's/ $//'
}
is() { [[ ${1-} && $1 == "${2-}" ]]; }             # the two are the same, and not empty
isnt() { [[ ${1-} && ${2-} && $1 != "$2" ]]; }     # both are there, and differ
has() { [[ ${2-} && ${1-} == *"$2"* ]]; }          # the first has the second in it
hasnt() { [[ ${1-} && ${2-} && $1 != *"$2"* ]]; }  # both are there, and the second is not in the first
check() { # CLAIM COMMAND …: `held` when the command succeeds
  if "${@:2}"; then echo "held: $1"; else echo "missing: $1"; fi
}
