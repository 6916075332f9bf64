/** `latchkey pkce`: generates a code_verifier and its code_challenge. https://www.rfc-editor.org/rfc/rfc7636#section-4 */
import { generatePkce } from '../auth/pkce.ts'
import { systemRandom } from '../lib/random.ts'
import { defineCommand, jsonOption } from './command.ts'
import { print, printFacts, printJson } from './output.ts'

export const pkce = defineCommand({
  takes: [],
  options: { json: jsonOption },
  run({ json }) {
    const made = { ...generatePkce(systemRandom), code_challenge_method: 'S256' }
    if (json) return printJson(made)
    printFacts(made)
    const { code_verifier, code_challenge } = made
    print(`
Add to the authorization request:
  &code_challenge=${code_challenge}&code_challenge_method=S256
and to the token request:
  -d code_verifier=${code_verifier}`)
  },
})
