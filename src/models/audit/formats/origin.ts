/** What an event in the vocabulary of another tool says of the provider that it is of. */
export interface Origin {
  issuer: string
  version: string
}
