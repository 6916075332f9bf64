// Copies all recovery codes. Without scripts, or without a clipboard, there is no button for it.
const template = document.querySelector('#copy_codes')
const list = document.querySelector('.recovery_codes')

async function copy(status) {
  const codes = Array.from(list.querySelectorAll('code'), (code) => code.textContent)
  status.textContent = ''
  try {
    await navigator.clipboard.writeText(codes.join('\n'))
    status.textContent = status.dataset.copied
  } catch {
    getSelection().selectAllChildren(list) // the browser refused: the keyboard can copy
  }
}

if (navigator.clipboard) {
  const parts = template.content.cloneNode(true)
  const [button, status] = parts.children
  button.addEventListener('click', () => copy(status))
  template.replaceWith(parts)
}
