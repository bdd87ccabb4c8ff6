import { type AccessControl, breakGlass, createAccess } from '../../../src/access/index.ts'
import type { Row } from '../rig/row.ts'

const PASSWORD = 'a password that is right'
const WRONG = 'a password that is wrong'

/** Who is asked for, with which password; all of them are refused. */
const REFUSED = {
  'wrong password': ['ada', WRONG],
  'unknown name': ['nobody', PASSWORD],
  'disabled user': ['bob', PASSWORD],
  'user of a provider': ['eve', PASSWORD],
} as const
type Case = keyof typeof REFUSED

export const row: Row = {
  id: 'F11',
  title: 'timing of logins',
  holds: ['I9'],
  promise: 'How long the refusal of a login takes says nothing about whether somebody has that name.',
  method:
    'Wrong password, unknown name, disabled user and user of a provider, each once a round in a random order, 400 rounds: ' +
    'Wilcoxon’s z of the differences within the rounds below 4.5, and none half as long again as another (median of the ratios within the rounds).',
  queue: false,
  async run(world, check, { short }) {
    await world.hub.serve()
    const { logins, users } = createAccess(world.pool, { limits: { failuresPerMinute: 1_000_000 } })
    const admin = breakGlass()
    await users.add({ name: 'ada', role: 'viewer', password: PASSWORD }, admin)
    await users.add({ name: 'bob', role: 'viewer', password: PASSWORD }, admin)
    await users.change('bob', { disabled: true }, admin)
    await world.pool.query(
      `insert into hub_user (name, role, issuer, subject) values ('eve', 'viewer', 'https://provider.test', 'e')`,
    )
    const cases = Object.keys(REFUSED) as Case[]
    const rounds: Record<Case, number>[] = []
    for (let i = -5; i < (short ? 60 : 400); i++) {
      // Within a round, so that a load that comes or goes is the same for all of them.
      const order = world.random.shuffled(cases)
      const round = {} as Record<Case, number>
      for (const each of order) round[each] = await timeOf(logins, each)
      if (i >= 0) rounds.push(round)
    }
    const [first, ...others] = cases
    check.note('refusal, ms', median(rounds.map((round) => round[first!])))
    for (const other of others) {
      const ratio = median(rounds.map((round) => round[other] / round[first!]))
      // What is less than this the other test finds; on a machine where a login takes a second for its neighbours' sake, a ratio alone says little.
      check.atMost(`${other}: ratio`, Math.max(ratio, 1 / ratio), 1.5)
      check.atMost(`${other}: z`, Math.abs(wilcoxon(rounds.map((round) => round[other] - round[first!]))), 4.5)
    }
  },
}

async function timeOf(logins: AccessControl['logins'], which: Case): Promise<number> {
  const [name, password] = REFUSED[which]
  const began = performance.now()
  const code = await logins.withPassword({ name, password, address: '192.0.2.1' }).then(
    () => 'in',
    (error: { code?: string }) => error.code,
  )
  if (code !== 'CSW-8013') throw new Error(`${which}: ${code}`)
  return performance.now() - began
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle) - 1]!) / 2
}

/** The z of Wilcoxon's signed-rank test: one slow sample counts by its place among the others, not by how slow it is. */
function wilcoxon(differences: readonly number[]): number {
  const ranked = differences.filter((each) => each !== 0).sort((a, b) => Math.abs(a) - Math.abs(b))
  const n = ranked.length
  const positive = ranked.reduce((sum, each, index) => sum + (each > 0 ? index + 1 : 0), 0)
  return (positive - (n * (n + 1)) / 4) / Math.sqrt((n * (n + 1) * (2 * n + 1)) / 24)
}
