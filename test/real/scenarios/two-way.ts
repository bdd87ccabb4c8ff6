/** Two-way syncs between real systems: edits, disjoint edits, conflicts, renames and deletions on both sides, and then silence. */
import type { HubProcess } from '../hub-process.ts'
import type { Report } from '../report.ts'
import { runBoth } from '../writes.ts'
import type { Env } from './pair.ts'
import { type People, type Person, radicaleSide, requestTrackerSide, type Side, trytonSide } from './sides.ts'

type TwoWayPair = {
  sync: string
  from: Side
  to: Side
  /** What the codes of its people begin with. */
  letter: string
  /** The fields of `from` and `to` that hold the name: a conflict about them is asked. */
  nameField: string
  /** Whose language wins when both changed it. */
  language: 'from' | 'to'
}
/** So many are at first on either side only, and half as many on both. */
const EACH = 40

export async function twoWays(hub: HubProcess, env: Env, report: Report): Promise<void> {
  const [tryton, rt, radicale] = [await trytonSide(env), requestTrackerSide(env), radicaleSide(env)]
  const pairs: TwoWayPair[] = [
    {
      ...{ sync: 'partners-and-accounts', from: tryton, to: rt, letter: 'P' },
      ...{ nameField: 'RealName', language: 'from' },
    },
    {
      ...{ sync: 'contacts-and-partners', from: radicale, to: tryton, letter: 'Q' },
      ...{ nameField: 'name', language: 'to' },
    },
  ]
  for (const pair of pairs) await twoWay(pair, hub, report)
  await ring([tryton, rt, radicale], hub, report)
}

/** Somebody whose values nobody else has. */
const person = (code: string, extra: Partial<Person> = {}): Person => ({
  name: `Łucja Größe-Ødegård ${code}`,
  language: 'de',
  ...extra,
})
const peopleOf = (letter: string, from: number, count: number): People =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => `${letter}${1_000 + from + i}`).map((code) => [code, person(code)]),
  )

async function twoWay(pair: TwoWayPair, hub: HubProcess, report: Report): Promise<void> {
  const { from, to, letter, sync } = pair
  const code = (n: number): string => `${letter}${1_000 + n}`
  const title = (step: string): string => `${from.title} ⇄ ${to.title}: ${step}`
  const sides = async () => ({ here: (await from.list(letter)).people, there: (await to.list(letter)).people })
  const same = async (): Promise<People> => {
    const { here, there } = await sides()
    report.equal(`${Object.keys(here).length} people, the same on both sides`, there, here)
    return here
  }
  const run = async (writes: number | null, options: { full?: boolean; since?: string } = {}): Promise<void> => {
    const written = await runBoth(hub, sync, report, options)
    if (writes !== null) report.equal('records written, both ways', written, writes)
  }
  /** No run writes, and neither system has changed a record. */
  const silence = (step: string, options: { full?: boolean } = {}): Promise<void> =>
    report.part(title(step), async () => {
      const before = [(await from.list(letter)).marks, (await to.list(letter)).marks]
      await run(0, options)
      report.equal(
        'neither system was written to',
        [(await from.list(letter)).marks, (await to.list(letter)).marks],
        before,
      )
    })

  await report.part(title('first contact'), async () => {
    const shared = peopleOf(letter, 2 * EACH, EACH / 2)
    await from.add({ ...peopleOf(letter, 0, EACH), ...shared })
    await to.add({ ...peopleOf(letter, EACH, EACH), ...shared })
    await run(2 * EACH, { full: true })
    report.equal('nobody is there twice', Object.keys(await same()).length, 2.5 * EACH)
  })
  await silence('nothing changed')
  await silence('nothing changed, in full', { full: true })

  await report.part(title('edits on both sides'), async () => {
    await from.edit(code(1), { name: "Zoë «Neu» & Söhne's" })
    await to.edit(code(2), { name: 'Ørsted, Łódź; 50 %' })
    // Other fields of one person: both stay.
    await from.edit(code(3), { name: 'Disjoint' })
    await to.edit(code(3), { language: 'pl' })
    await from.edit(code(4), { language: '' })
    await to.edit(code(5), { language: '' })
    await from.edit(code(6), { name: 'Agreed' })
    await to.edit(code(6), { name: 'Agreed' })
    await from.edit(code(7), { language: 'fr' })
    await to.edit(code(7), { language: 'pl' })
    await from.add({ [code(301)]: person(code(301), { language: '' }) })
    await to.add({ [code(302)]: person(code(302), { language: 'pl' }) })
    // One each for 1, 2, 4, 5, 7, 301 and 302, two for 3.
    await run(9)
    const now = await same()
    report.equal(
      'what was edited',
      [1, 2, 3, 4, 5, 6, 7].map((n) => now[code(n)]),
      [
        person(code(1), { name: "Zoë «Neu» & Söhne's" }),
        person(code(2), { name: 'Ørsted, Łódź; 50 %' }),
        person(code(3), { name: 'Disjoint', language: 'pl' }),
        person(code(4), { language: '' }),
        person(code(5), { language: '' }),
        person(code(6), { name: 'Agreed' }),
        person(code(7), { language: pair.language === 'from' ? 'fr' : 'pl' }),
      ],
    )
  })
  await silence('nothing changed after that')

  await report.part(title('a conflict that asks'), async () => {
    await from.edit(code(8), { name: 'Here', language: 'pl' })
    await to.edit(code(8), { name: 'There' })
    await from.edit(code(9), { name: 'Left' })
    await to.edit(code(9), { name: 'Right' })
    // The other field of the first one goes on.
    await run(1)
    const { here, there } = await sides()
    report.equal(
      'both keep their name',
      [8, 9].map((n) => [here[code(n)], there[code(n)]]),
      [
        [person(code(8), { name: 'Here', language: 'pl' }), person(code(8), { name: 'There', language: 'pl' })],
        [person(code(9), { name: 'Left' }), person(code(9), { name: 'Right' })],
      ],
    )
    const asked = await conflicts(hub, sync)
    report.equal(
      'two fields are asked about',
      asked.map(({ field }) => field),
      [pair.nameField, pair.nameField],
    )
    const since = new Date().toISOString()
    const about = (name: string) => asked.filter((one) => JSON.stringify(one).includes(`"${name}"`)).map(({ id }) => id)
    await hub.call('POST', '/api/v1/conflicts/resolve', { ids: about('Here'), choose: 'to' })
    await hub.call('POST', '/api/v1/conflicts/resolve', { ids: about('Left'), choose: 'value', value: 'Neither' })
    // A value that is neither side's is written to one, and goes to the other when it was read there.
    await run(null)
    await run(3, { since })
    const now = await same()
    report.equal('as decided', [now[code(8)]!.name, now[code(9)]!.name], ['There', 'Neither'])
    report.equal('nothing is asked any more', await conflicts(hub, sync), [])
  })
  await silence('nothing changed after that')

  await renames(pair, report, { code, run, same, silence, title })

  await report.part(title('deletions'), async () => {
    await from.remove(code(20))
    await to.remove(code(21))
    await from.remove(code(60))
    await to.remove(code(61))
    await from.remove(code(22))
    await to.edit(code(22), { name: 'Edited, and deleted there' })
    await run(4, { full: true })
    const asked = await conflicts(hub, sync)
    report.equal('one deletion is asked about', asked.length, 1)
    const since = new Date().toISOString()
    await hub.call('POST', '/api/v1/conflicts/resolve', { ids: asked.map(({ id }) => id), choose: 'from' })
    await run(1, { full: true, since })
    const now = await same()
    report.equal(
      'five are gone',
      [20, 21, 22, 60, 61].filter((n) => now[code(n)]),
      [],
    )
    report.equal('and nobody else', Object.keys(now).length, 2.5 * EACH + 2 - 5)
  })
  await silence('nothing changed after that', { full: true })
}

type Steps = {
  code(n: number): string
  run(writes: number, options: { full?: boolean }): Promise<void>
  same(): Promise<People>
  silence(step: string, options: { full?: boolean }): Promise<void>
  title(step: string): string
}

/** Cards of Radicale keep their UID; between the others nobody is deleted and nobody is new. */
async function renames({ from, to }: TwoWayPair, report: Report, steps: Steps): Promise<void> {
  const { code, run, same, silence, title } = steps
  if (!from.rename || !to.rename) return
  await report.part(title('renames of what they are matched by'), async () => {
    await from.rename?.(code(10), code(510))
    await to.rename?.(code(11), code(511))
    // Somebody who left and a new one would be a deletion and a creation each.
    await run(2, { full: true })
    const now = await same()
    report.equal(
      'who was renamed is there once, under the new code',
      [10, 11, 510, 511].map((n) => code(n)).filter((one) => now[one]),
      [code(510), code(511)],
    )
  })
  await silence('nothing changed after that', { full: true })
}

const RING = ['partners-and-accounts', 'accounts-and-contacts', 'contacts-and-partners']
/** What is edited at one side has to go round, and what comes back must not go round again. */
const MOST_ROUNDS = 6

/** Three systems, each kept the same as both others: everything arrives everywhere, and then nobody writes. */
async function ring(sides: Side[], hub: HubProcess, report: Report): Promise<void> {
  const [tryton, rt, radicale] = sides as [Side, Side, Side]
  const settle = async (count: number): Promise<People> => {
    const rounds: number[] = []
    while (rounds.at(-1) !== 0 && rounds.length < MOST_ROUNDS) {
      let written = 0
      for (const sync of RING) written += await runBoth(hub, sync, report, { full: true })
      rounds.push(written)
    }
    report.equal(`writes die out (${rounds.join(', ')})`, rounds.at(-1), 0)
    const [here, there, elsewhere] = await Promise.all(sides.map(async (side) => (await side.list('R')).people))
    report.equal('the second system holds the same as the first', there, here)
    report.equal('and so does the third', elsewhere, here)
    report.equal('so many people', Object.keys(here!).length, count)
    return here!
  }
  await report.part('a ring of three: first contact', async () => {
    await tryton.add(peopleOf('R', 0, 10))
    await rt.add(peopleOf('R', 10, 10))
    await radicale.add(peopleOf('R', 20, 10))
    await settle(30)
  })
  await report.part('a ring of three: edits and deletions at each', async () => {
    await tryton.edit('R1001', { name: 'Of Tryton' })
    await rt.edit('R1002', { name: 'Of Request Tracker', language: 'pl' })
    await radicale.edit('R1003', { name: 'Of Radicale; "quoted", twice' })
    await tryton.edit('R1004', { name: 'Disjoint' })
    await radicale.edit('R1004', { language: 'fr' })
    await tryton.remove('R1005')
    await rt.remove('R1006')
    await radicale.remove('R1007')
    const now = await settle(27)
    report.equal(
      'what was edited',
      [1, 2, 3, 4].map((n) => now[`R100${n}`]),
      [
        person('R1001', { name: 'Of Tryton' }),
        person('R1002', { name: 'Of Request Tracker', language: 'pl' }),
        person('R1003', { name: 'Of Radicale; "quoted", twice' }),
        person('R1004', { name: 'Disjoint', language: 'fr' }),
      ],
    )
    report.equal(
      'who was deleted is gone',
      [5, 6, 7].filter((n) => now[`R100${n}`]),
      [],
    )
  })
}

type Conflict = { id: number; field: string | null }
const conflicts = async (hub: HubProcess, sync: string): Promise<Conflict[]> =>
  (await hub.call<{ items: Conflict[] }>('GET', `/api/v1/conflicts?sync=${sync}&limit=100`)).items
