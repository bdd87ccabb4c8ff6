import { isIPv6 } from 'node:net'

/** IPv6 gives every subscriber 2^64 addresses at least, so one of them is as good as all (RFC 6177). */
const GROUPS = 4

/** What limits count as one: an IPv4 address, or the /64 of an IPv6 one. */
export function networkOf(address: string): string {
  const plain = address.split('%', 1)[0]!
  const mapped = /^::ffff:([\d.]+)$/i.exec(plain)?.[1]
  if (mapped) return mapped
  if (!isIPv6(plain)) return plain
  const [front = '', back] = plain.split('::')
  const head = front.split(':').filter(Boolean)
  const tail = (back ?? '').split(':').filter(Boolean)
  // An IPv4 address at the end takes the place of two groups.
  const told = head.length + tail.length + (plain.includes('.') ? 1 : 0)
  const groups = back === undefined ? head : [...head, ...Array<string>(8 - told).fill('0'), ...tail]
  return `${groups
    .slice(0, GROUPS)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}
