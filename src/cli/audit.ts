/** `latchkey audit …`: verifies, exports and signs the audit trail. docs/audit.md */
import { createPublicKey } from 'node:crypto'
import { createReadStream, readFileSync } from 'node:fs'
import { isThumbprint, thumbprint } from '../auth/jwk.ts'
import { type VerificationKey, verificationKey, type VerificationKeys } from '../auth/jws.ts'
import { exportLines } from '../models/audit/export_lines.ts'
import { type ExportName, exportNames, exports } from '../models/audit/exports.ts'
import { trailIssuer } from '../models/audit/trail_issuer.ts'
import { type Demands, type Verification, verifyTrail } from '../models/audit/verify.ts'
import { withTrail } from './audit_store.ts'
import { auditChange, closeTrail } from './audit_trail.ts'
import { type Answer, defineCommand } from './command.ts'
import { Refusal, UsageError } from './failure.ts'
import { print, printable, printJson } from './output.ts'
import { writeLines } from './output_file.ts'
import { version } from '../version.ts'

export const verify = defineCommand({
  takes: ['[FILE]'],
  options: {
    jwks: {
      type: 'string',
      value: 'PATH',
      help: 'Verify FILE with these public keys alone, from /audit/jwks.json or latchkey audit jwks',
    },
    issuer: { type: 'string', value: 'URL', help: 'With --jwks: the issuer that the trail must be of' },
    seen: {
      type: 'string',
      value: 'NUMBER:DIGEST',
      help: 'A checkpoint that the log or an earlier verification named: it must be part of the trail',
    },
  },
  async run({ jwks, issuer, seen: noted }, [file]) {
    const seen = noted === undefined ? undefined : readSeen(noted)
    if (jwks !== undefined) {
      if (file === '') throw new UsageError('--jwks verifies a file: latchkey audit verify FILE --jwks PATH')
      return answer(await verifyTrail(linesOf(file), { keys: keysOf(jwks), issuer, seen }))
    }
    if (issuer !== undefined)
      throw new UsageError('--issuer goes with --jwks; otherwise it is that of the store')
    return withTrail(async (audit, { store, config }) => {
      const newest = await audit.checkpoints.newest()
      const own = trailIssuer(newest, config.issuer)
      const demands: Demands = { keys: audit.ring, issuer: own, macKeys: audit.keys, seen }
      const lines = file === '' ? exportLines({ store, issuer: config.issuer }, newest) : linesOf(file)
      return answer(await verifyTrail(lines, demands))
    })
  },
})

function readSeen(text: string): { number: number; digest: string } {
  const [, number, digest] = /^(\d{1,15}):([\w-]{43})$/.exec(text) ?? []
  if (number === undefined || digest === undefined)
    throw new UsageError(
      `--seen: expected NUMBER:DIGEST as the log names a checkpoint, got ${printable(text)}`,
    )
  return { number: Number(number), digest }
}

function answer(found: Verification): Answer {
  const { findings, newest, entries, chains, dropped, uncovered } = found
  const first = findings[0]
  return {
    facts: { ok: findings.length === 0, ...found },
    show() {
      for (const { text } of findings) print(printable(text))
      const counted = [
        `${entries} ${entries === 1 ? 'entry' : 'entries'} in ${chains} ${chains === 1 ? 'chain' : 'chains'}`,
        ...(dropped > 0 ? [`${dropped} of them dropped by AUDIT_RETENTION`] : []),
        ...(uncovered > 0 ? [`${uncovered} newer than the last checkpoint`] : []),
      ].join(', ')
      if (!first) print(`The audit trail is as it was written: ${counted}.`)
      if (newest) print(`Newest checkpoint: ${newest.number}:${newest.digest} of ${newest.at}`)
    },
    failure: first && new Refusal(`the audit trail is not as it was written: ${printable(first.text)}`),
  }
}

/** Public keys of a JWK Set. Only Ed25519 keys sign checkpoints. */
function keysOf(path: string): VerificationKeys {
  const keys = new Map<string, VerificationKey>()
  try {
    const { keys: list } = JSON.parse(readFileSync(path, 'utf8')) as { keys: JsonWebKey[] }
    for (const jwk of list) {
      const kid = thumbprint(jwk)
      if (jwk.crv === 'Ed25519' && isThumbprint(kid))
        keys.set(kid, verificationKey(kid, 'EdDSA', createPublicKey({ key: jwk, format: 'jwk' })))
    }
  } catch (error) {
    throw new Refusal(`--jwks: expected a JWK Set in ${printable(path)}: ${(error as Error).message}`)
  }
  if (keys.size === 0) throw new Refusal(`--jwks: ${printable(path)} has no Ed25519 key`)
  return { find: (kid) => keys.get(kid) }
}

/** Longer than any checkpoint. */
const longestLine = 4_194_304

async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = ''
  try {
    for await (const chunk of createReadStream(path, 'utf8')) {
      const lines = (rest + String(chunk)).split('\n')
      rest = lines.pop() ?? ''
      if (rest.length > longestLine) throw new Error(`a line of more than ${longestLine} characters`)
      yield* lines
    }
  } catch (error) {
    throw new Refusal(`${printable(path)} cannot be read: ${(error as Error).message}`)
  }
  yield rest
}

function exportOf(name: string): ExportName {
  const found = exportNames.find((each) => each === name)
  if (!found)
    throw new UsageError(`--format: expected one of ${exportNames.join(', ')}, got ${printable(name)}`)
  return found
}

export const exportTrail = defineCommand({
  takes: ['FILE'],
  options: {
    format: {
      type: 'string',
      value: exportNames.join('|'),
      help: 'jsonl verifies with latchkey audit verify; csv is for spreadsheets, ocsf and ecs are JSON Lines for other tools. Default: the extension of the file, else jsonl',
    },
  },
  async run({ format }, [file]) {
    const chosen = exportOf(format ?? (/\.csv$/i.test(file) ? 'csv' : 'jsonl'))
    return withTrail(async (audit, opened) => {
      await auditChange(audit, opened, { change: 'audit_exported' })
      const newest = await audit.checkpoints.extend(undefined, { all: true })
      const { issuer } = opened.config
      const lines = exportLines({ store: opened.store, issuer }, newest)
      const written = await writeLines(
        file,
        exports[chosen].write(lines, { issuer, version }, () => true),
      )
      return {
        facts: { file, format: chosen, lines: written, checkpoint: newest?.number },
        show: () =>
          print(`wrote ${written} lines to ${printable(file)}, up to checkpoint ${newest?.number ?? 'none'}`),
      }
    })
  },
})

/** Opening the trail makes the first key. */
export const jwks = defineCommand({
  takes: [],
  options: {},
  run: () =>
    withTrail(async (audit) => {
      const set: unknown = JSON.parse(audit.ring.jwks().body)
      return { facts: set, show: () => printJson(set) }
    }),
})

export const rotate = defineCommand({
  takes: [],
  options: {},
  run: () =>
    withTrail(async (audit, opened) => {
      const [next] = await audit.ring.rotate()
      await auditChange(audit, opened, { change: 'audit_key_rotated', kids: next ? [next.kid] : [] })
      await closeTrail(audit)
      return {
        facts: { kid: next?.kid },
        show: () =>
          print(`checkpoints are signed with the key ${next?.kid ?? ''}; the former keys still verify`),
      }
    }),
})
