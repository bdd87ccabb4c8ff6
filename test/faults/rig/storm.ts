import { readConflicts } from './conflicts.ts'
import { historyOf } from './history.ts'
import type { Check, Size } from './row.ts'
import type { Side } from './side.ts'
import { BOTH } from './two-way-folder.ts'
import { sleep, until } from './waiting.ts'
import type { World } from './world.ts'

type Name = 'left' | 'right'
/** The last value that a person gave a field, on each side. */
type Edits = Map<string, Partial<Record<Name, unknown>>>

/** People edit both systems at once. Keeps what everybody did, to be held against what stands there in the end. */
export class Storm {
  readonly #world: World
  /** By e-mail address and field. */
  readonly #edits: Edits = new Map()
  readonly #lost = new Set<string>()
  /** People whom nobody edits, so that they may be deleted. */
  spares = (_email: string): boolean => false
  #turn = 0
  made = 0

  constructor(world: World) {
    this.#world = world
  }

  side(name: Name): Side {
    return this.#world.sides![name]
  }

  /** People who are there before the storm, a half made on each side. */
  fill(count: number): void {
    for (let i = 0; i < count; i++) {
      const name: Name = i % 2 ? 'left' : 'right'
      const values = Object.fromEntries(BOTH.map((field) => [field, `${field} ${i}`]))
      this.side(name).edit(null, { ...values, email: `p${i}@example.test`, score: i })
    }
  }

  /**
   * One edit of a random person. Mostly a side edits fields of its own; in one case of five it is any field, so that both sides
   * come upon the same one.
   */
  edit(): { name: Name; person: ReturnType<Side['edit']> } | undefined {
    const { random } = this.#world
    const name: Name = random.chance(0.5) ? 'left' : 'right'
    const people = [...this.side(name).live().values()].filter(({ email }) => !this.spares(email))
    if (!people.length) return undefined
    return { name, person: this.#editOf(name, random.pick(people)) }
  }

  #editOf(name: Name, { id, email }: { id: string; email: string }): ReturnType<Side['edit']> {
    const { random } = this.#world
    const own = name === 'left' ? (['name', 'phone'] as const) : (['city', 'notes'] as const)
    const field = random.chance(0.2) ? random.pick([...BOTH]) : random.pick([...own])
    const value = field === 'score' ? random.between(0, 1_000_000) : `${field} ${name} ${++this.#turn}`
    const key = `${email}\n${field}`
    this.#edits.set(key, { ...this.#edits.get(key), [name]: value })
    this.made++
    return this.side(name).edit(id, { [field]: value })
  }

  /** Somebody makes a record of a new person on one side. */
  make(): void {
    const name: Name = this.#world.random.chance(0.5) ? 'left' : 'right'
    const n = ++this.#turn
    const values = Object.fromEntries(BOTH.map((field) => [field, `${field} made ${n}`]))
    this.side(name).edit(null, { ...values, email: `made${n}@example.test`, score: n })
  }

  /** Somebody edits a person who just came to be on both sides: on one of them, or on both. */
  touch(email: string): void {
    const { random } = this.#world
    const both = random.chance(0.3)
    const first: Name = random.chance(0.5) ? 'left' : 'right'
    for (const name of both ? (['left', 'right'] as const) : [first]) {
      const person = this.side(name).live().get(email)
      if (person) this.#editOf(name, person)
    }
  }

  /** Somebody deletes one of the spared on one side. */
  remove(): void {
    const { random } = this.#world
    const name: Name = random.chance(0.5) ? 'left' : 'right'
    const people = [...this.side(name).live().values()].filter(
      ({ email }) => this.spares(email) && !this.#lost.has(email),
    )
    if (!people.length) return
    const { id, email } = random.pick(people)
    this.#lost.add(email)
    this.side(name).remove(id)
  }

  /** Edits at a rate, while both systems are read over and over. */
  async rage(
    edits: number,
    perSecond: number,
    after: (made: NonNullable<ReturnType<Storm['edit']>>) => void = () => {},
  ): Promise<void> {
    let over = false
    const reading = (async () => {
      while (!over) {
        await this.read()
        await sleep(1_000)
      }
    })()
    const began = performance.now()
    for (let i = 0; i < edits; ) {
      const due = Math.min(edits, Math.ceil(((performance.now() - began) / 1_000) * perSecond) + 1)
      for (; i < due; i++) {
        const made = this.edit()
        if (made) after(made)
      }
      await sleep(10)
    }
    over = true
    await reading
  }

  /** Asks the hub to read both systems; one that is not there at the moment is asked again. */
  async read(): Promise<void> {
    await until(
      'the hub reads both systems',
      () =>
        this.#world.hub.api('POST', '/syncs/people/run', {}).then(
          () => true,
          () => false,
        ),
      Boolean,
      120_000,
      500,
    )
  }

  writes(): number {
    return this.side('left').writes.length + this.side('right').writes.length
  }

  /** Everything that is to be read is read and delivered. */
  async rest(withinMs = 120_000): Promise<void> {
    await this.read()
    await this.#world.drained(withinMs)
  }

  /** What must hold when the storm is over. `settle` cycles may pass until what was late has come in. */
  async judge(check: Check, { settle = 1 }: { settle?: number } = {}): Promise<void> {
    for (let cycle = 0; cycle < settle; cycle++) await this.rest()
    const before = { left: this.side('left').writes.length, right: this.side('right').writes.length }
    await this.rest()
    check.equal('writes in the cycle after', this.writes() - before.left - before.right, 0)
    for (const name of ['left', 'right'] as const)
      for (const write of this.side(name).writes.slice(before[name], before[name] + 3)) {
        const { email } = this.side(name).people.get(write.id)!
        check.failures.push(`late write on the ${name}: ${JSON.stringify(write)}, ${await this.#historyOf(email)}`)
      }
    const [left, right] = [this.side('left').live(), this.side('right').live()]
    const open = await readConflicts(this.#world.pool)
    check.note('edits', this.made)
    check.note('writes of the hub', this.writes())
    check.note('people', left.size)
    check.note('conflicts in the queue', open.size)
    check.equal(
      'people on one side only',
      [...left.keys()].filter((one) => !right.has(one)).length +
        [...right.keys()].filter((one) => !left.has(one)).length,
      0,
    )
    check.equal('made twice', twice(this.side('left')) + twice(this.side('right')), 0)
    check.equal('deleted and still there', [...this.#lost].filter((one) => left.has(one) || right.has(one)).length, 0)
    await this.#compare(check, left, right, open)
  }

  /** What happened to a person on both sides. */
  #historyOf(email: string): Promise<string> {
    const sides = [this.side('left'), this.side('right')]
    const ids = sides.flatMap((side) =>
      [...side.people.values()].filter((row) => row.email === email).map(({ id }) => id),
    )
    return historyOf(this.#world.pool, sides, ids)
  }

  /** A conflict that is answered is closed. */
  async judgeAnswered(check: Check): Promise<void> {
    const open = await readConflicts(this.#world.pool)
    check.equal('still asked', open.size, 0)
    for (const key of [...open].slice(0, 3)) {
      const email = this.side('left').people.get(key.split('\n')[0]!)!.email
      check.failures.push(`still asked: ${key.split('\n')[2]}, ${await this.#historyOf(email)}`)
    }
  }

  async #compare(
    check: Check,
    left: Map<string, Fields>,
    right: Map<string, Fields>,
    open: ReadonlySet<string>,
  ): Promise<void> {
    const differing: [email: string, what: string][] = []
    const gone: typeof differing = []
    const invented: typeof differing = []
    for (const [email, one] of left) {
      const other = right.get(email)
      if (!other) continue
      for (const field of BOTH) {
        const asked = open.has(`${one.id}\n${other.id}\n${field}`)
        const [a, b] = [one[field], other[field]]
        if (!same(a, b) && !asked) differing.push([email, `${field}: ${a} and ${b}`])
        const edits = this.#edits.get(`${email}\n${field}`)
        if (!edits || asked) continue
        const values = Object.values(edits)
        // Edited on one side only: that must be there. On both: one of the two last values won.
        if (values.some((value) => same(value, a))) continue
        const list = values.length === 1 ? gone : invented
        list.push([email, `${field}: ${a}, last edited to ${values.join(' and ')}`])
      }
    }
    for (const [what, list] of Object.entries({
      'fields that differ': differing,
      'edits lost': gone,
      'values nobody chose': invented,
    })) {
      check.equal(what, list.length, 0)
      for (const [email, what] of list.slice(0, 3))
        check.failures.push(`${email} ${what}; ${await this.#historyOf(email)}`)
    }
  }
}

type Fields = Record<string, unknown> & { id: string }

/** As systems spell it: the rows with rewriting systems compare meaning. */
const same = (a: unknown, b: unknown): boolean => plain(a) === plain(b)
const plain = (value: unknown): string => String(value).trim().toLowerCase()

function twice(side: Side): number {
  const live = [...side.people.values()].filter(({ deleted }) => !deleted)
  return live.length - new Set(live.map(({ email }) => email)).size
}

/** Makes one system keep small letters only, the other one capitals only. */
export function rewriting(storm: Storm): void {
  const each = (values: Record<string, unknown>, form: (text: string) => string) =>
    Object.fromEntries(
      Object.entries(values).map(([field, value]) => [
        field,
        typeof value === 'string' && field !== 'email' ? form(value) : value,
      ]),
    )
  storm.side('left').stores = (values) => each(values, (text) => text.toLowerCase())
  storm.side('right').stores = (values) => each(values, (text) => ` ${text} `.replace(/\s+/g, ' ').trim().toUpperCase())
}

/** How much of everything a row does. */
export const sizeOf = ({ short }: Size) =>
  short ? { people: 40, edits: 300, perSecond: 40 } : { people: 1_000, edits: 10_000, perSecond: 50 }
