// Passkeys, in a browser that has them: https://www.w3.org/TR/webauthn-3/. Without this script, or without passkeys, the
// template stays closed and the page offers its other ways alone.
const place = document.querySelector('.passkey')
const { ceremony, options: given, from, able } = place.dataset

const toBytes = (text) =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (each) => each.charCodeAt(0))
const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')

/** The options as `navigator.credentials` takes them; browsers before 2023 cannot read JSON themselves. */
function parse(json) {
  const read = ceremony === 'create' ? 'parseCreationOptionsFromJSON' : 'parseRequestOptionsFromJSON'
  if (PublicKeyCredential[read]) return PublicKeyCredential[read](json)
  const described = (list) => list && list.map((each) => ({ ...each, id: toBytes(each.id) }))
  return {
    ...json,
    challenge: toBytes(json.challenge),
    ...(json.user && { user: { ...json.user, id: toBytes(json.user.id) } }),
    allowCredentials: described(json.allowCredentials),
    excludeCredentials: described(json.excludeCredentials),
  }
}

function serialize(credential) {
  if (credential.toJSON) return credential.toJSON()
  const { id, type, response } = credential
  const transports = response.getTransports && response.getTransports()
  const parts = ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle']
  const texts = parts.filter((part) => response[part]).map((part) => [part, toText(response[part])])
  return { id, rawId: id, type, response: { ...Object.fromEntries(texts), transports } }
}

/** In the page, or fresh from the server: those of the sign-in page are fetched, so that nobody waits for them in vain. */
async function fetchOptions(form) {
  if (given) return JSON.parse(given)
  const answer = await fetch(from, { method: 'POST', body: new URLSearchParams(new FormData(form)) })
  if (!answer.ok) throw new Error(`options: ${answer.status}`)
  return answer.json()
}

async function perform(form, more) {
  const publicKey = parse(await fetchOptions(form))
  if (more.signal && more.signal.aborted) return
  const credential = await navigator.credentials[ceremony]({ publicKey, ...more })
  form.elements.credential.value = JSON.stringify(serialize(credential))
  HTMLFormElement.prototype.submit.call(form)
}

/** A challenge is good for five minutes: one that waits in the autofill of a field is renewed before that. */
const renewAfter = 240_000
let waiting

async function waitInAutofill(form) {
  const mine = (waiting = new AbortController())
  const renewal = setTimeout(() => {
    mine.abort()
    void waitInAutofill(form)
  }, renewAfter)
  // Nothing chosen, or no more options: the form and the button are still there.
  await perform(form, { mediation: 'conditional', signal: mine.signal }).catch(() => clearTimeout(renewal))
}

/** Only a browser that can keep a passkey is offered one after a sign-in with a password. */
async function sayWhetherItCan() {
  if (await PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable()) document.cookie = able
}

async function begin() {
  place.replaceChildren(place.querySelector('template').content)
  const form = place.querySelector('form')
  const button = form.querySelector('button')
  const trouble = form.querySelector('.alert')
  const { isConditionalMediationAvailable: autofills } = PublicKeyCredential
  const autofill = Boolean(from && autofills && (await autofills.call(PublicKeyCredential)))
  button.addEventListener('click', async () => {
    button.disabled = true
    trouble.hidden = true
    if (waiting) waiting.abort()
    await perform(form, {}).catch(() => {
      trouble.hidden = false
      if (autofill) void waitInAutofill(form)
    })
    button.disabled = false
  })
  if (autofill) void waitInAutofill(form)
  if (from) await sayWhetherItCan()
}

/** What was removed here goes from the device too, where the browser can see to it. */
const tellDevice = () =>
  PublicKeyCredential.signalAllAcceptedCredentials &&
  PublicKeyCredential.signalAllAcceptedCredentials(JSON.parse(given)).catch(() => {})

if (window.PublicKeyCredential && navigator.credentials) void (ceremony === 'signal' ? tellDevice : begin)()
