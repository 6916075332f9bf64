/** The types of images that this provider serves, by their first bytes. https://mimesniff.spec.whatwg.org/#matching-an-image-type-pattern */

/** The first bytes decide the type, not the Content-Type of the response. No SVG: it can contain scripts. */
const signatures: readonly (readonly [type: string, begins: RegExp])[] = [
  ['image/png', /^\x89PNG\r\n\x1a\n/],
  ['image/jpeg', /^\xff\xd8\xff/],
  ['image/gif', /^GIF8[79]a/],
  ['image/webp', /^RIFF[\s\S]{4}WEBP/],
]
const headLength = 16

/** For an Accept header. */
export const imageTypes = signatures.map(([type]) => type).join(', ')

/** Undefined if the bytes are not an image of a type that is served. */
export function imageType(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.subarray(0, headLength)).toString('latin1')
  return signatures.find(([, begins]) => begins.test(head))?.[0]
}
