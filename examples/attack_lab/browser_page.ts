/** What the browser without a window sees of a page: its forms and its text. */

export interface Form {
  action: string
  fields: Record<string, string>
  /** Names of its buttons. */
  buttons: string[]
}

export function formsOf(html: string): Form[] {
  const forms: Form[] = []
  new HTMLRewriter()
    .on('form', {
      element(element) {
        forms.push({ action: plain(element.getAttribute('action') ?? ''), fields: {}, buttons: [] })
      },
    })
    .on('form input', {
      element(element) {
        const name = element.getAttribute('name')
        const isOff = element.getAttribute('type') === 'checkbox' && !element.hasAttribute('checked')
        if (name && !isOff) forms.at(-1)!.fields[name] = plain(element.getAttribute('value') ?? '')
      },
    })
    .on('form button', {
      element(element) {
        const name = element.getAttribute('name')
        if (name) forms.at(-1)!.buttons.push(name)
      },
    })
    .transform(html)
  return forms
}

/** The text of `main`, or of all, a line for each part. */
export function textOf(html: string): string {
  const [, main = html] = /<main[^>]*>([\s\S]*)<\/main>/.exec(html) ?? []
  return plain(
    main
      .replace(/<(?:script|style|svg|form|nav)[\s\S]*?<\/(?:script|style|svg|form|nav)>/g, '')
      .replace(/<[^>]*>/g, '\n'),
  )
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('\n')
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#x27': "'", '#39': "'" }

const plain = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|#x27|#39);/g, (_, name: string) => entities[name]!)
