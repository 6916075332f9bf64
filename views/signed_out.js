// Beside the frames of other applications: goes on when they have come and had a moment to forget the person, or later
// when one does not come. Without scripts a refresh does the same, and the button always.
const moment = 1_000
const patience = 5_000
let gone = false

function goOn() {
  if (!gone) location.replace(document.querySelector('a.onward').href)
  gone = true
}

addEventListener('load', () => setTimeout(goOn, moment))
setTimeout(goOn, patience)
