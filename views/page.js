// What every page may have: a password that can be shown, times in the zone of the reader, a language that is chosen at
// once, forms that a double click sends once. Without this script the passwords stay hidden, the times are in UTC, the
// choice of a language has its button, and the second click is led where the first one led.

for (const place of document.querySelectorAll('.secret')) {
  const input = place.querySelector('input')
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'reveal'
  button.innerHTML = '{{icon eye}}{{icon eye-off}}<span class="unseen"></span>'
  button.querySelector('span').textContent = place.dataset.show
  place.append(button)
  const show = (shown) => {
    input.type = shown ? 'text' : 'password'
    button.setAttribute('aria-pressed', shown)
  }
  show(false)
  button.addEventListener('click', () => show(input.type === 'password'))
  // A browser keeps what is entered as text, and offers it again to the next person.
  input.form.addEventListener('submit', () => show(false))
}

const { lang } = document.documentElement
const whole = new Intl.DateTimeFormat(lang, { dateStyle: 'long', timeStyle: 'short' })
const since = new Intl.RelativeTimeFormat(lang, { numeric: 'auto' })
const units = [
  ['minute', 60, 60],
  ['hour', 3_600, 24],
  ['day', 86_400, 7],
]

/** "5 minutes ago" within the last week; the time itself before that, and when the clocks disagree. */
function ago(at) {
  const seconds = (Date.now() - at) / 1_000
  const unit = units.find(([, size, most]) => Math.round(seconds / size) < most)
  if (!unit || seconds < -120) return whole.format(at)
  return seconds < 60 ? since.format(0, 'second') : since.format(-Math.round(seconds / unit[1]), unit[0])
}

function showTimes(part) {
  for (const time of part.querySelectorAll('time[datetime]')) {
    const at = new Date(time.dateTime)
    const recent = time.closest('.ago')
    time.textContent = recent ? ago(at) : whole.format(at)
    if (recent) time.title = whole.format(at)
  }
}
showTimes(document)
// A part that another script has put there.
document.addEventListener('shown', ({ target }) => showTimes(target))

for (const form of document.querySelectorAll('form.languages')) {
  const button = form.querySelector('button')
  const select = form.querySelector('select')
  button.remove()
  // Arrow keys pass through languages that are not meant: then the button is back.
  select.addEventListener('keydown', ({ key }) => {
    if (key !== 'Tab' && key !== 'Shift') form.append(button)
  })
  select.addEventListener('change', () => {
    if (!button.isConnected) form.requestSubmit()
  })
}

/** Milliseconds in which a second click on the same button is part of the first. */
const doubleClick = 1_000

// The browser would drop the answer to the first click, with its cookies and what it shows once.
for (const form of document.querySelectorAll('form[method=post]')) {
  let sent = {}
  form.addEventListener('submit', (event) => {
    const { timeStamp: at, submitter: button } = event
    if (button === sent.button && at - sent.at < doubleClick) event.preventDefault()
    else sent = { button, at }
  })
}
