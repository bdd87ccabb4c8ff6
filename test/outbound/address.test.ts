import fc from 'fast-check'
import { expect, test } from 'vitest'
import { allowEntryFault, kindOfAddress, parseAllowList } from '../../src/outbound/index.ts'

const KINDS: Record<string, string[]> = {
  loopback: ['127.0.0.1', '127.255.255.254', '::1', '0:0:0:0:0:0:0:1', '[::1]', '::ffff:127.0.0.1', '::ffff:7f00:1'],
  unspecified: ['0.0.0.0', '0.1.2.3', '::', '::ffff:0.0.0.0'],
  private: ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1', 'fd12::1', 'fec0::1'],
  'link-local': ['169.254.1.1', 'fe80::1', 'fe80::1%eth0', '[fe80::1%25eth0]', '::ffff:169.254.0.9'],
  metadata: [
    ...['169.254.169.254', '169.254.170.2', '169.254.170.23', '169.254.0.23', '168.63.129.16', '100.100.100.200'],
    ...['fd00:ec2::254', 'fd00:ec2::23', '::ffff:169.254.169.254', '::ffff:168.63.129.16'],
  ],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1'],
  reserved: ['192.0.2.1', '198.18.0.1', '255.255.255.255', '240.0.0.1', '2001:db8::1'],
  public: ['1.1.1.1', '172.15.255.255', '172.32.0.1', '100.63.255.255', '2606:4700::1111', '::ffff:8.8.8.8'],
}

test.each(Object.entries(KINDS))('%s addresses are known in every spelling', (kind, addresses) => {
  for (const address of addresses) expect([address, kindOfAddress(address)]).toEqual([address, kind])
})

test('an IPv6 address is judged by the IPv4 address a gateway would deliver to', () => {
  const hex = (a: number, b: number) => ((a << 8) | b).toString(16)
  const part = fc.integer({ min: 0, max: 255 })
  fc.assert(
    fc.property(part, part, part, part, (a, b, c, d) => {
      const plain = kindOfAddress(`${a}.${b}.${c}.${d}`)
      const carriers = [
        `::ffff:${a}.${b}.${c}.${d}`,
        `0:0:0:0:0:ffff:${hex(a, b)}:${hex(c, d)}`,
        `64:ff9b::${hex(a, b)}:${hex(c, d)}`,
        `2002:${hex(a, b)}:${hex(c, d)}::1`,
      ]
      for (const carrier of carriers) expect([carrier, kindOfAddress(carrier)]).toEqual([carrier, plain])
    }),
  )
})

test('an allow entry opens what it names and nothing else', () => {
  const table: [string, [string, string, number][], [string, string, number][]][] = [
    [
      '127.0.0.1',
      [
        ['127.0.0.1', '127.0.0.1', 80],
        ['x.test', '127.0.0.1', 9],
      ],
      [['127.0.0.2', '127.0.0.2', 80]],
    ],
    ['127.0.0.1:8080', [['h', '127.0.0.1', 8080]], [['h', '127.0.0.1', 8081]]],
    ['10.1.0.0/16', [['h', '10.1.2.3', 1]], [['h', '10.2.2.3', 1]]],
    [
      '[fd00::1]:443',
      [
        ['h', 'fd00::1', 443],
        ['h', 'fd00:0::1', 443],
      ],
      [
        ['h', 'fd00::1', 80],
        ['h', 'fd00::2', 443],
      ],
    ],
    ['::1', [['h', '::1', 1]], [['h', '::2', 1]]],
    [
      'ERP.internal',
      [
        ['erp.internal', '10.0.0.1', 1],
        ['erp.internal.', '10.0.0.1', 1],
      ],
      [['erp2.internal', '10.0.0.1', 1]],
    ],
    ['erp.internal:389', [['erp.internal', '10.0.0.1', 389]], [['erp.internal', '10.0.0.1', 390]]],
    // A name is trusted with private addresses, not with the cloud's metadata service.
    [
      'erp.internal',
      [],
      [
        ['erp.internal', '169.254.169.254', 80],
        ['erp.internal', '169.254.170.23', 80],
        ['erp.internal', '0.0.0.0', 80],
      ],
    ],
    [
      '169.254.169.254',
      [
        ['h', '169.254.169.254', 80],
        ['h', '::ffff:169.254.169.254', 80],
      ],
      [],
    ],
  ]
  for (const [entry, open, shut] of table) {
    const allow = parseAllowList([entry])
    for (const [host, address, port] of open)
      expect([entry, address, allow.permits({ host, address, port })]).toEqual([entry, address, true])
    for (const [host, address, port] of shut)
      expect([entry, address, allow.permits({ host, address, port })]).toEqual([entry, address, false])
  }
})

test.each(['', '2130706433', '0x7f000001', '127.1', 'http://x', 'a b', '*.test', '10.0.0.0/33', 'x:y', '1.2.3.4/'])(
  'the allow entry %j is refused, not guessed at',
  (entry) => {
    expect(() => parseAllowList([entry])).toThrow(expect.objectContaining({ code: 'CSW-1002' }))
    expect(allowEntryFault(entry)).toMatchObject({ code: 'CSW-1002' })
  },
)
