/**
 * Refresh tokens: a family is a number in the grant, however often the token rotates. https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2
 *
 * A token consists of the grant id, a generation and a MAC over both. So every token ever issued in the family is
 * recognised although none is stored, and the next token of a generation can be computed again for a client that did
 * not receive the answer.
 */
import { isMacOf, type Keys, macOf } from '../lib/secret_keys.ts'
import { grantIdOf, handleKinds } from '../auth/token.ts'

const generationLength = 4 // 64^4 generations; then the family ends
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** `generation` counts from 0. */
export function refreshHandle(keys: Keys, grantId: string, generation: number): string {
  const body = `${grantId}${spell(generation)}`
  return `${handleKinds.refresh}${body}${macOf(keys, body)}`
}

/** The grant and generation of a token that this provider issued; undefined for anything else. */
export function readRefreshHandle(
  keys: Keys,
  handle: string,
): { grantId: string; generation: number } | undefined {
  const grantId = grantIdOf(handle)
  if (grantId === undefined || !handle.startsWith(handleKinds.refresh)) return undefined
  const body = handle.slice(
    handleKinds.refresh.length,
    handleKinds.refresh.length + grantId.length + generationLength,
  )
  const generation = unspell(body.slice(grantId.length))
  const mac = handle.slice(handleKinds.refresh.length + body.length)
  if (generation === undefined || !isMacOf(keys, body, mac)) return undefined
  return { grantId, generation }
}

export const lastGeneration = alphabet.length ** generationLength - 1

function spell(generation: number): string {
  let text = ''
  for (let rest = generation, digit = 0; digit < generationLength; digit++, rest = Math.floor(rest / 64))
    text = alphabet[rest % 64] + text
  return text
}

function unspell(text: string): number | undefined {
  let generation = 0
  for (const character of text) {
    const digit = alphabet.indexOf(character)
    if (digit < 0) return undefined
    generation = generation * 64 + digit
  }
  return text.length === generationLength ? generation : undefined
}
