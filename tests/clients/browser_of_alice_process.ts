/** A program for the variable BROWSER: it opens the address, signs alice in, allows, and goes back to the application. */
import { person } from '../support/person.ts'

const url = new URL(process.argv[2]!)
await fetch(await person(url.origin, fetch).goThrough(url.href))
