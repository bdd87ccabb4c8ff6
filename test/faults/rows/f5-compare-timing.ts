import { createHmac } from 'node:crypto'
import { type SignatureSpec, verifySignature } from '../../../src/connector/parts/webhook-signature.ts'
import type { Row } from '../rig/row.ts'
import { WEBHOOK_SECRET } from '../rig/sender.ts'

export const row: Row = {
  id: 'F5',
  title: 'timing of comparisons',
  holds: ['I9'],
  promise: 'How long a refusal takes says nothing about how much of a signature or token was right.',
  method:
    'Signatures and tokens that are wrong in the first or in the last byte, in a random order, 100 000 samples: Welch’s t below 4.5.',
  queue: false,
  async run(world, check, { short }) {
    const { random } = world
    const samples = short ? 20_000 : 100_000
    const names = new Set<string>()
    const text = (value: string) => ({ names, evaluate: () => value })
    const token = { kind: 'token', header: 'X-Token', secrets: [text(WEBHOOK_SECRET)] } as unknown as SignatureSpec
    const hmac = {
      kind: 'hmac',
      algorithm: 'sha256',
      header: 'X-Signature',
      prefix: 'sha256=',
      encoding: 'hex',
      secret_encoding: 'text',
      secrets: [text(WEBHOOK_SECRET)],
      signed: { names: new Set(['body']), evaluate: (scope: { body: string }) => scope.body },
    } as unknown as SignatureSpec
    const body = Buffer.from('{"id":"timing"}')
    const right = createHmac('sha256', WEBHOOK_SECRET).update(body).digest('hex')
    const wrongAt = (value: string, at: number): string =>
      value.slice(0, at) + (value[at] === '0' ? '1' : '0') + value.slice(at + 1)
    const cases: [string, SignatureSpec, string, (value: string) => Record<string, string>][] = [
      ['token', token, WEBHOOK_SECRET, (value) => ({ 'x-token': value })],
      ['signature', hmac, right, (value) => ({ 'x-signature': `sha256=${value}` })],
    ]
    for (const [name, spec, value, headers] of cases) {
      const variants = [headers(wrongAt(value, 0)), headers(wrongAt(value, value.length - 1))]
      const times: [number[], number[]] = [[], []]
      for (let i = -2_000; i < samples; i++) {
        const which = random.between(0, 1) as 0 | 1
        const scope = { headers: variants[which]!, settings: {}, event: undefined, query: {} }
        const began = process.hrtime.bigint()
        const refused = verifySignature(spec, { body, at: new Date(), scope })
        const took = Number(process.hrtime.bigint() - began)
        if (!refused) throw new Error(`a wrong ${name} was taken`)
        if (i >= 0) times[which].push(took)
      }
      check.atMost(`t of the ${name}`, Math.abs(welch(...times)), 4.5)
    }
  },
}

/** Welch's t of two samples without their slowest twentieth, which is the scheduler's and the collector's. */
function welch(first: number[], second: number[]): number {
  const [a, b] = [first, second].map((values) => {
    const kept = values.sort((x, y) => x - y).slice(0, Math.floor(values.length * 0.95))
    const mean = kept.reduce((sum, value) => sum + value, 0) / kept.length
    const variance = kept.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (kept.length - 1)
    return { mean, share: variance / kept.length }
  })
  return (a!.mean - b!.mean) / Math.sqrt(a!.share + b!.share)
}
