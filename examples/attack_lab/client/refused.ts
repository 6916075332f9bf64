/** What the client does not accept, and why: `because` is a word for the check, the message is for the person. */

export class Refused extends Error {
  readonly because: string

  constructor(because: string, message: string) {
    super(message)
    this.because = because
  }
}
