/** A process of examples/websocket that redeems the tickets it reads, all at once, and prints how many it got. For example_websocket.test.ts. */
import { createTickets } from '../../examples/websocket/tickets.ts'

const [, , path = ''] = process.argv
const tickets = createTickets(path)
console.log('ready')
const handles = (await Bun.stdin.text()).trim().split('\n')
const won = handles.filter((handle) => tickets.redeem(handle) !== undefined)
console.log(`won ${won.length}`)
