/** `latchkey pkce`: generates a code_verifier and its code_challenge. https://www.rfc-editor.org/rfc/rfc7636#section-4 */
import { generatePkce } from '../auth/pkce.ts'
import { systemRandom } from '../lib/random.ts'
import { defineCommand } from './command.ts'
import { print, printFacts } from './output.ts'

export const pkce = defineCommand({
  takes: [],
  options: {},
  run() {
    const made = { ...generatePkce(systemRandom), code_challenge_method: 'S256' }
    const { code_verifier, code_challenge } = made
    return {
      facts: made,
      show() {
        printFacts(made)
        print(`
Add to the authorization request:
  &code_challenge=${code_challenge}&code_challenge_method=S256
and to the token request:
  -d code_verifier=${code_verifier}`)
      },
    }
  },
})
