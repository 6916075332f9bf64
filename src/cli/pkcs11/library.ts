/**
 * A PKCS#11 library, called by bun:ffi in a process of its own (process.ts): a call blocks the thread, and a fault of the library ends
 * the process. https://docs.oasis-open.org/pkcs11/pkcs11-base/v2.40/pkcs11-base-v2.40.html
 */
import { CFunction, dlopen, ptr, read } from 'bun:ffi'

/** The library refused. The message names function and code, and no value. */
export class Pkcs11Error extends Error {
  override name = 'Pkcs11Error'
  readonly code: number

  constructor(call: string, code: number) {
    super(`${call}: ${codeNames[code] ?? `0x${code.toString(16)}`}`)
    this.code = code
  }
}

const codeNames: Readonly<Record<number, string>> = {
  0x03: 'CKR_SLOT_ID_INVALID',
  0x05: 'CKR_GENERAL_ERROR',
  0x06: 'CKR_FUNCTION_FAILED',
  0x30: 'CKR_DEVICE_ERROR',
  0x31: 'CKR_DEVICE_MEMORY',
  0x32: 'CKR_DEVICE_REMOVED',
  0x54: 'CKR_FUNCTION_NOT_SUPPORTED',
  0x60: 'CKR_KEY_HANDLE_INVALID',
  0x63: 'CKR_KEY_TYPE_INCONSISTENT',
  0x68: 'CKR_KEY_FUNCTION_NOT_PERMITTED',
  0x70: 'CKR_MECHANISM_INVALID',
  0x71: 'CKR_MECHANISM_PARAM_INVALID',
  0x82: 'CKR_OBJECT_HANDLE_INVALID',
  0xa0: 'CKR_PIN_INCORRECT',
  0xa1: 'CKR_PIN_INVALID',
  0xa2: 'CKR_PIN_LEN_RANGE',
  0xa3: 'CKR_PIN_EXPIRED',
  0xa4: 'CKR_PIN_LOCKED',
  0xb0: 'CKR_SESSION_CLOSED',
  0xb3: 'CKR_SESSION_HANDLE_INVALID',
  0xe0: 'CKR_TOKEN_NOT_PRESENT',
  0xe1: 'CKR_TOKEN_NOT_RECOGNIZED',
  0x101: 'CKR_USER_NOT_LOGGED_IN',
  0x102: 'CKR_USER_PIN_NOT_INITIALIZED',
}

/** The position of each function in CK_FUNCTION_LIST, and its parameters: an unsigned long, or a pointer. */
const functions = {
  C_Initialize: [0, 'ptr'],
  C_GetSlotList: [4, 'u8', 'ptr', 'ptr'],
  C_GetTokenInfo: [6, 'u64', 'ptr'],
  C_OpenSession: [12, 'u64', 'u64', 'ptr', 'ptr', 'ptr'],
  C_Login: [18, 'u64', 'u64', 'ptr', 'u64'],
  C_GetAttributeValue: [24, 'u64', 'u64', 'ptr', 'u64'],
  C_FindObjectsInit: [26, 'u64', 'ptr', 'u64'],
  C_FindObjects: [27, 'u64', 'ptr', 'u64', 'ptr'],
  C_FindObjectsFinal: [28, 'u64'],
  C_SignInit: [42, 'u64', 'ptr', 'u64'],
  C_Sign: [43, 'u64', 'ptr', 'u64', 'ptr', 'ptr'],
} as const

type Name = keyof typeof functions
/** Bytes or numbers that the library reads or writes; null is the null pointer. */
export type Memory = Uint8Array | BigUint64Array | null
/** Rows of CK_ATTRIBUTE or CK_MECHANISM, with what they point to. */
export interface Table {
  cells: BigUint64Array
  values: readonly Memory[]
}
export type Call = (name: Name, ...args: (bigint | number | Memory | Table)[]) => void

const ok = 0

/** Loads and initializes the library at `path`. Throws Pkcs11Error, or an Error when it cannot be loaded. */
export function openLibrary(path: string): Call {
  if (process.platform === 'win32') throw new Error('PKCS#11 tokens are not supported on Windows')
  const out = new BigUint64Array(1)
  const { symbols } = dlopen(path, { C_GetFunctionList: { args: ['ptr'], returns: 'u64' } })
  const got = Number(symbols.C_GetFunctionList(ptr(out)))
  if (got !== ok) throw new Pkcs11Error('C_GetFunctionList', got)
  const list = Number(out[0])
  const open = new Map<Name, (...args: unknown[]) => bigint | number>()

  function named(name: Name) {
    const known = open.get(name)
    if (known) return known
    const [position, ...args] = functions[name]
    // Behind CK_VERSION, which is filled up to the size of a pointer.
    const made = CFunction({ ptr: read.ptr(list as never, 8 + 8 * position) as never, args, returns: 'u64' })
    open.set(name, made as never)
    return made as never as (...args: unknown[]) => bigint | number
  }

  const pointerTo = (memory: Uint8Array | BigUint64Array) => (memory.byteLength === 0 ? null : ptr(memory))
  /** Memory that the library has the address of: the collector must not take it during the call. */
  const held = new Set<unknown>()
  const call: Call = (name, ...args) => {
    held.add(args)
    const values = args.map((each) => {
      if (ArrayBuffer.isView(each)) return pointerTo(each)
      return typeof each === 'object' && each !== null ? pointerTo(each.cells) : each
    })
    const code = Number(named(name)(...values))
    held.delete(args)
    if (code !== ok) throw new Pkcs11Error(name, code)
  }
  call('C_Initialize', null)
  return call
}

/** CK_ULONG in the memory of 64-bit systems other than Windows. */
export const ulong = (...values: (bigint | number)[]): BigUint64Array =>
  BigUint64Array.from(values, (each) => BigInt(each))

/** A number, a pointer and a length each. */
export function table(...rows: readonly (readonly [type: number, value: Memory])[]): Table {
  const cells = rows.flatMap(([type, value]) => [
    type,
    value === null || value.byteLength === 0 ? 0 : Number(ptr(value)),
    value?.byteLength ?? 0,
  ])
  return { cells: ulong(...cells), values: rows.map(([, value]) => value) }
}
