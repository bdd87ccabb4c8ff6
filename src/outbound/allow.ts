/** The audited exceptions of a connection to the address rules. */
import { BlockList, isIP } from 'node:net'
import { CausewayError } from '../core/index.ts'
import { addRange, familyOf, kindOfAddress, plainAddress } from './address.ts'

/** Decides whether an address that is not public may be dialled. */
export type AllowList = { permits(target: { host: string; address: string; port: number }): boolean }

type Entry = (target: { host: string; address: string; port: number }) => boolean

/**
 * Reads entries of the forms `host`, `host:port`, `10.1.2.3`, `10.1.2.3:389`, `[fd00::1]:443` and `10.1.0.0/16`.
 * A host name entry trusts that name's DNS, but never as far as metadata, multicast or unspecified addresses: those have to
 * be written out as addresses.
 */
export function parseAllowList(entries: readonly string[]): AllowList {
  const parsed = entries.map(parseEntry)
  return { permits: (target) => parsed.some((entry) => entry(target)) }
}

/** What is wrong with an allow entry, for checks that know where it stands; null when it is fine. */
export function allowEntryFault(entry: string): CausewayError | null {
  try {
    parseEntry(entry)
    return null
  } catch (error) {
    return error as CausewayError
  }
}

function parseEntry(text: string): Entry {
  if (text.includes('/')) return rangeEntry(text)
  const { host, port } = splitHostPort(text)
  if (isIP(host) !== 0) {
    const wanted = rangeEntry(`${plainAddress(host)}/${isIP(plainAddress(host)) === 6 ? 128 : 32}`)
    return (target) => (port === null || port === target.port) && wanted(target)
  }
  const name = host.toLowerCase()
  // Numbers and dots only, also hexadecimal, would be another spelling of an address, which must be plain to be audited.
  if (/^(0x[0-9a-f]*|\d+|\.)+$/.test(name) || !/^[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?$/.test(name)) throw malformed(text)
  return ({ host: dialled, address, port: dialledPort }) =>
    dialled.toLowerCase().replace(/\.$/, '') === name &&
    (port === null || port === dialledPort) &&
    !['metadata', 'multicast', 'unspecified'].includes(kindOfAddress(address))
}

function rangeEntry(range: string): Entry {
  const list = new BlockList()
  try {
    addRange(list, range)
  } catch {
    throw malformed(range)
  }
  return ({ address }) => {
    const plain = plainAddress(address)
    return list.check(plain, familyOf(plain))
  }
}

function splitHostPort(text: string): { host: string; port: number | null } {
  const bracketed = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(text)
  if (bracketed) return { host: bracketed[1]!, port: bracketed[2] === undefined ? null : Number(bracketed[2]) }
  if (isIP(text) !== 0) return { host: text, port: null }
  const [host = '', port, more] = text.split(':')
  if (more !== undefined || (port !== undefined && !/^\d{1,5}$/.test(port))) throw malformed(text)
  return { host, port: port === undefined ? null : Number(port) }
}

const malformed = (entry: string): CausewayError =>
  new CausewayError('CSW-1002', {
    what: `The allow entry "${entry}" is not a host, host:port, address or address range.`,
    fix: 'Write it like erp.internal, erp.internal:8080, 10.1.2.3, [fd00::1]:443 or 10.1.0.0/16.',
  })
