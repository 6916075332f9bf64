/** Variables of realms and of the teaching lab. docs/realms.md, docs/lab.md */
import type { Sections } from './entry.ts'
import * as is from './schemas.ts'

export const labVariables = {
  Realms: [
    {
      name: 'REALMS',
      realm: 'default',
      schema: is.boolean,
      computed: 'the value of LAB',
      help: 'Serves the realms of `latchkey realm add` below /realms: providers of their own in this process, with their own keys, people, clients and settings.',
    },
  ],
  Lab: [
    {
      name: 'LAB',
      realm: 'own_or_server',
      schema: is.boolean,
      default: { development: 'true', production: 'false' },
      help: 'The teaching lab (/lab): it shows what this provider received, checked and answered. In production, `true` turns it on and the start warns of it: its pages show sign-ins and tokens of other people.',
    },
    {
      name: 'LAB_NETWORKS',
      realm: 'own_or_server',
      schema: is.networks,
      default: 'loopback',
      help: 'Networks from which the pages of the lab can be opened. For other addresses they are 404. `loopback` and `private` stand for those networks.',
    },
    {
      name: 'LAB_SHOW_SECRETS',
      realm: 'own_or_server',
      schema: is.boolean,
      default: 'false',
      help: 'The recorder of the lab keeps and shows passwords, secrets, codes, tokens and cookies as they were sent, and not masked. For a class with accounts that are made for it.',
    },
    {
      name: 'LAB_CLOCK_HEADER',
      realm: 'own_or_server',
      schema: is.boolean,
      default: 'false',
      help: 'The header X-Lab-Clock of a request (+3600, or an ISO time) has that request answered at another time, for tests. Only in development, with LAB, from LAB_NETWORKS.',
    },
    {
      name: 'LAB_JOINS_PER_MINUTE',
      realm: 'server',
      schema: is.integer(1, 10_000),
      default: '60',
      help: 'How many students may join classrooms from one address in a minute, so that one student does not take all seats. The students of a school may share one address; then those beyond wait for the next minute.',
    },
    {
      name: 'LAB_SEED',
      realm: 'default',
      schema: is.text,
      help: 'Random values are computed from this text, so that two runs of a lesson are alike. Every code, token and session can then be predicted: only in development, with LAB, and with an issuer on this machine.',
    },
  ],
} as const satisfies Sections
