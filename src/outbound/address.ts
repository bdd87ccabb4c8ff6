/** What kind of place an IP address is. Everything that is not `public` needs an allow entry. */
import { BlockList, isIP } from 'node:net'

export type AddressKind =
  | 'public'
  | 'loopback'
  | 'private'
  | 'link-local'
  | 'metadata'
  | 'multicast'
  | 'unspecified'
  | 'reserved'

/** Ranges by kind, first match wins. Sources: IANA special-purpose registries, and the clouds' metadata addresses. */
const RANGES: [Exclude<AddressKind, 'public'>, string[]][] = [
  // AWS, Azure, GCP and others; tasks and pods of AWS; Tencent; the host of a machine of Azure, whose address looks like a public one; Alibaba;
  // AWS over IPv6; Oracle. Named, because a leak there hands out cloud credentials.
  [
    'metadata',
    [
      ...['169.254.169.254/32', '169.254.170.2/32', '169.254.170.23/32', '169.254.0.23/32', '168.63.129.16/32'],
      ...['100.100.100.200/32', 'fd00:ec2::254/128', 'fd00:ec2::23/128', '192.0.0.192/32'],
    ],
  ],
  // The whole of 0.0.0.0/8: Linux routes it to this host.
  ['unspecified', ['0.0.0.0/8', '::/128']],
  ['loopback', ['127.0.0.0/8', '::1/128']],
  ['link-local', ['169.254.0.0/16', 'fe80::/10']],
  ['multicast', ['224.0.0.0/4', 'ff00::/8']],
  ['private', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7', 'fec0::/10']],
  [
    'reserved',
    [
      ...['192.0.0.0/24', '192.0.2.0/24', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '240.0.0.0/4'],
      ...['100::/64', '2001::/23', '2001:db8::/32', '3fff::/20', '5f00::/16', '192.88.99.0/24'],
    ],
  ],
]

const lists = RANGES.map(([kind, ranges]) => {
  const list = new BlockList()
  for (const range of ranges) addRange(list, range)
  return { kind, list }
})

/** Adds `address/prefix` to a block list. Throws where either is malformed. */
export function addRange(list: BlockList, range: string): void {
  const [, address = '', prefix = ''] = /^([^/]+)\/(\d{1,3})$/.exec(range) ?? []
  // An empty prefix would be taken for 0, which is everybody.
  if (prefix === '') throw new RangeError(`not an address range: ${range}`)
  list.addSubnet(address, Number(prefix), familyOf(address))
}

export function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4'
}

/**
 * Classifies a literal address as the socket layer would dial it. IPv6 addresses that carry an IPv4 address inside (mapped,
 * compatible, NAT64, 6to4) are judged by that address, because a gateway would deliver there.
 */
export function kindOfAddress(address: string): AddressKind {
  const plain = plainAddress(address)
  for (const { kind, list } of lists) if (list.check(plain, familyOf(plain))) return kind
  const inner = isIP(plain) === 6 ? innerIpv4(plain) : null
  return inner === null ? 'public' : kindOfAddress(inner)
}

/** Address without brackets and zone id (`[fe80::1%eth0]` → `fe80::1`), and IPv4-mapped ones as IPv4. */
export function plainAddress(address: string): string {
  const bare = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '')
  const groups = isIP(bare) === 6 ? groupsOf(bare) : null
  const mapped = groups?.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff
  return mapped ? dotted(groups![6]!, groups![7]!) : bare
}

/** The IPv4 address inside an IPv4-compatible, NAT64 (well-known or local prefix) or 6to4 address. */
function innerIpv4(address: string): string | null {
  const groups = groupsOf(address)
  const [first, second] = groups as [number, number]
  if (first === 0x2002) return dotted(second, groups[2]!)
  const nat64 = first === 0x64 && second === 0xff9b
  const compatible = groups.slice(0, 6).every((group) => group === 0)
  return nat64 || compatible ? dotted(groups[6]!, groups[7]!) : null
}

const dotted = (high: number, low: number): string => [high >> 8, high & 255, low >> 8, low & 255].join('.')

/** The eight 16-bit groups of a valid IPv6 address. */
function groupsOf(address: string): number[] {
  const withoutDots = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_whole, ...parts) => {
    const [a, b, c, d] = parts.map(Number) as [number, number, number, number]
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
  })
  const [head = '', tail] = withoutDots.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const gap = tail === undefined ? 0 : 8 - left.length - right.length
  return [...left, ...Array<string>(gap).fill('0'), ...right].map((group) => Number.parseInt(group, 16))
}
