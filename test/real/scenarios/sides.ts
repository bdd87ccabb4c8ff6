/** People in Tryton, Request Tracker and Radicale, each edited and shown through the system's own API. */
import { randomUUID } from 'node:crypto'
import type { JsonObject } from '../../../src/core/index.ts'
import { cards } from '../boot/radicale.ts'
import { RtRest } from '../boot/request-tracker-seed.ts'
import { TrytonRpc } from '../boot/tryton-rpc.ts'
import type { Env } from './pair.ts'

/** `language`: de, fr or pl; an empty text where none is said. */
export type Person = { name: string; language: string }
export type People = Record<string, Person>

/** One of the systems that are kept the same. Codes are told apart by what they begin with, so that scenarios do not meet. */
export type Side = {
  title: string
  /** All people whose code begins so, and what the system itself changes with every write (a time, an ETag). */
  list(prefix: string): Promise<{ people: People; marks: Record<string, string> }>
  add(people: People): Promise<void>
  edit(code: string, values: Partial<Person>): Promise<void>
  /** Absent where a system keeps what a record is matched by for ever. */
  rename?(code: string, to: string): Promise<void>
  remove(code: string): Promise<void>
}

/** A letter and a number. */
const isCode = (name: string, letter: string): boolean => name.startsWith(letter) && /^\d+$/.test(name.slice(1))

const LANGUAGES: Readonly<Record<string, number>> = { de: 5, fr: 11, pl: 18 }

export async function trytonSide(env: Env): Promise<Side> {
  const rpc = new TrytonRpc(`${env.TRYTON_URL}/${env.TRYTON_DATABASE}/`)
  await rpc.login(env.TRYTON_USER!, env.TRYTON_PASSWORD!)
  rpc.context = { language: 'en', company: 1 }
  type Row = { id: number; code: string; name: string; lang: number | null; write_date: JsonObject | null }
  const find = (code: string) =>
    rpc.read<Row>('party.party', [['code', 'like', code]], ['code', 'name', 'lang', 'write_date'])
  const idOf = async (code: string) => (await find(code))[0]!.id
  const codeOf = (lang: number | null) => Object.keys(LANGUAGES).find((code) => LANGUAGES[code] === lang) ?? ''
  const valuesOf = ({ name, language }: Partial<Person>): JsonObject => ({
    ...(name === undefined ? {} : { name }),
    ...(language === undefined ? {} : { lang: LANGUAGES[language] ?? null }),
  })
  return {
    title: 'Tryton',
    async list(prefix) {
      const rows = await find(`${prefix}%`)
      return {
        people: table(rows.map(({ code, name, lang }) => [code, { name, language: codeOf(lang) }])),
        marks: table(rows.map(({ code, write_date: at }) => [code, JSON.stringify(at)])),
      }
    },
    add: (people) =>
      rpc.call(
        'party.party',
        'create',
        Object.entries(people).map(([code, person]) => ({ code, ...valuesOf(person) })),
      ),
    edit: async (code, values) => rpc.call('party.party', 'write', [await idOf(code)], valuesOf(values)),
    rename: async (code, to) => rpc.call('party.party', 'write', [await idOf(code)], { code: to }),
    remove: async (code) => rpc.call('party.party', 'delete', [await idOf(code)]),
  }
}

export function requestTrackerSide(env: Env): Side {
  const rt = new RtRest(`${env.RT_URL}/REST/2.0`, env.RT_ROOT!, env.RT_ROOT_PASSWORD!)
  const valuesOf = ({ name, language }: Partial<Person>): JsonObject => ({
    ...(name === undefined ? {} : { RealName: name }),
    ...(language === undefined ? {} : { Lang: language }),
  })
  return {
    title: 'Request Tracker',
    async list(prefix) {
      let users: JsonObject[] = []
      for (let page = 1, pages = 1; page <= pages; page++) {
        const query = `per_page=100&page=${page}&orderby=id&fields=Name,RealName,Lang,LastUpdated`
        const filter = [{ field: 'Name', operator: 'STARTSWITH', value: prefix }]
        const answer = await rt.call<{ items: JsonObject[]; total: number }>('POST', `/users?${query}`, filter)
        users.push(...answer.items)
        pages = Math.ceil(answer.total / 100)
      }
      // "Starts with" takes capitals for small letters, and RT has users of its own (`root`, `RT_System`).
      users = users.filter(({ Name: name }) => isCode(String(name), prefix))
      return {
        people: table(
          users.map((user) => [String(user.Name), { name: String(user.RealName), language: String(user.Lang) }]),
        ),
        marks: table(users.map((user) => [String(user.Name), String(user.LastUpdated)])),
      }
    },
    async add(people) {
      for (const [code, person] of Object.entries(people))
        await rt.call('POST', '/user', { Name: code, Privileged: 0, ...valuesOf(person) })
    },
    async edit(code, values) {
      await rt.call('PUT', `/user/${code}`, valuesOf(values))
    },
    async rename(code, to) {
      await rt.call('PUT', `/user/${code}`, { Name: to })
    },
    /** Request Tracker keeps users for ever: who is disabled is in none of its lists. */
    async remove(code) {
      await rt.call('DELETE', `/user/${code}`)
    },
  }
}

type Card = { href: string; etag: string; text: string }

export function radicaleSide(env: Env): Side {
  const book = '/hub/partners/'
  const all = async (): Promise<Map<string, Card>> => {
    const query =
      '<C:addressbook-query xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><prop><getetag/><C:address-data/></prop><C:filter/></C:addressbook-query>'
    const answer = await cards(env, 'REPORT', book, query, { depth: '1' })
    const found = new Map<string, Card>()
    for (const [, href = '', inside = ''] of answer.matchAll(/<href>([^<]*)<\/href>(.*?)<\/response>/gs)) {
      const text = unescaped(inside).replace(/\r?\n[ \t]/g, '')
      found.set(property(text, 'UID'), { href, etag: /<getetag>([^<]*)</.exec(inside)?.[1] ?? '', text })
    }
    return found
  }
  const save = (href: string, code: string, person: Person) => cards(env, 'PUT', href, cardOf(code, person))
  const personOf = ({ text }: Card): Person => ({ name: property(text, 'FN'), language: property(text, 'CATEGORIES') })
  return {
    title: 'Radicale',
    async list(prefix) {
      const found = [...(await all())].filter(([code]) => code.startsWith(prefix))
      return {
        people: table(found.map(([code, card]) => [code, personOf(card)])),
        marks: table(found.map(([code, { etag }]) => [code, etag])),
      }
    },
    async add(people) {
      for (const [code, person] of Object.entries(people)) await save(`${book}${randomUUID()}.vcf`, code, person)
    },
    async edit(code, values) {
      const card = (await all()).get(code)!
      await save(card.href, code, { ...personOf(card), ...values })
    },
    async remove(code) {
      await cards(env, 'DELETE', (await all()).get(code)!.href)
    },
  }
}

const escaped = (text: string): string => text.replace(/[\\,;]/g, '\\$&').replaceAll('\n', '\\n')

const cardOf = (uid: string, { name, language }: Person): string =>
  [
    ...['BEGIN:VCARD', 'VERSION:3.0', `UID:${uid}`, `FN:${escaped(name)}`, `N:${escaped(name)};;;;`],
    ...(language ? [`CATEGORIES:${escaped(language)}`] : []),
    ...['END:VCARD', ''],
  ].join('\r\n')

const property = (card: string, name: string): string =>
  (new RegExp(`^${name}(?:;[^:]*)?:(.*?)\r?$`, 'm').exec(card)?.[1] ?? '').replace(/\\(.)/g, (_all, char) =>
    char === 'n' ? '\n' : char,
  )

const unescaped = (xml: string): string =>
  xml.replaceAll('&#13;', '\r').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')

const table = <T>(entries: [string, T][]): Record<string, T> =>
  Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)))
