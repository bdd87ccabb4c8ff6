import { expect, test } from 'vitest'
import { entityServices } from '../../src/assemble/entities.ts'
import { recordedIn } from '../../src/assemble/recorded.ts'
import { openTwoSystems, personText, personType } from './hub.ts'

const type = personType(
  `${personText.replace('same: 8, different: 8', 'same: 8, different: 8, access: masked')}timeline:
  - { stream: crm:people, kind: birthday, of: crm:people, key: id, at: birthDate, text: '"born " & birthDate' }
`,
)
const admin = { name: 'ewa', reason: 'asked' }

async function open() {
  const systems = await openTwoSystems()
  const services = entityServices({
    pool: systems.hub.pool,
    types: () => [type],
    model: systems.hub.ports.model,
    recorded: recordedIn(systems.hub.pool),
  })
  systems.crm.put('people', 'c1', {
    id: 'c1',
    firstName: 'Ada',
    lastName: 'Żółkiewska',
    email: 'ada@postbox.example',
    phone: '500 600 700',
    birthDate: '1980-03-04',
  })
  systems.erp.put('people', 'e1', { name: 'ZOLKIEWSKA ADA', mail: 'Ada@Postbox.example', born: '1980-03-04' })
  systems.erp.put('people', 'e2', { name: 'Ada Zolkiewski', mail: 'other@postbox.example' })
  for (const stream of ['crm:people', 'erp:people']) await systems.hub.pull(stream)
  await systems.match(type)
  const audited = async () =>
    (
      await systems.hub.pool.query<{ did: string }>(`select actor || ' ' || action as did from audit order by id`)
    ).rows.map(({ did }) => did)
  return { ...systems, services, audited }
}

test('an entity is found by any key, and shown as one with where each value comes from', async () => {
  const { services, audited } = await open()
  const ids = async (text: string) => (await services.search('person', text, 10)).map(({ id }) => id)
  const [id] = await ids('ADA@postbox.example')
  for (const text of ['+48 500600700', 'zolk ada', 'Żółkiewska', 'e1', 'c1']) expect(await ids(text)).toContain(id)
  expect(await ids('nobody')).toEqual([])

  const shown = (await services.show('person', id!, { reveal: false, actor: admin }))!
  expect(shown.records.map(({ stream, id: record }) => `${stream} ${record}`)).toEqual([
    'crm:people c1',
    'erp:people e1',
  ])
  expect(shown.fields.name).toEqual({ values: ['Ada Żółkiewska'], masked: false, stream: 'crm:people', id: 'c1' })
  expect(shown.fields.born).toMatchObject({ masked: true, stream: 'crm:people' })
  expect(JSON.stringify([shown.fields, shown.records])).not.toContain('1980-03-04')
  expect(shown.timeline).toMatchObject([{ kind: 'birthday', text: 'born 1980-03-04', stream: 'crm:people', id: 'c1' }])
  expect(shown.history).toMatchObject([{ action: 'linked', actor: 'matcher' }])
  expect(await audited()).toEqual([])
  const revealed = await services.show('person', id!, { reveal: true, actor: admin })
  expect(revealed!.fields.born).toMatchObject({ values: ['1980-03-04'], masked: false })
  expect(await audited()).toEqual(['ewa entity.reveal'])
  expect(await services.show('person', 999_999, { reveal: false, actor: admin })).toBeNull()
  await expect(services.search('persn', 'x', 1)).rejects.toMatchObject({ code: 'CSW-1007' })
})

test('entities are merged and split by hand, with a trail', async () => {
  const { services, audited } = await open()
  const [one] = await services.search('person', 'e1', 1)
  const [other] = await services.search('person', 'e2', 1)
  expect(await services.merge('person', one!.id, other!.id, admin)).toEqual({ records: 1 })
  const merged = (await services.show('person', one!.id, { reveal: false, actor: admin }))!
  expect(merged.records.map(({ id, alias }) => `${id} ${alias}`)).toEqual(['c1 false', 'e1 false', 'e2 true'])
  const { id } = await services.split('person', one!.id, [{ stream: 'erp:people', id: 'e2' }], admin)
  expect((await services.search('person', 'e2', 1)).map((found) => found.id)).toEqual([id])
  await expect(services.merge('person', one!.id, 999_999, admin)).rejects.toMatchObject({ code: 'CSW-8008' })
  expect(await audited()).toEqual(['ewa entity.merge', 'ewa entity.split'])
})

test('a text with U+0000 in it stops nothing', async () => {
  const { crm, hub, match, services } = await open()
  crm.put('people', 'c2', { id: 'c2', firstName: 'Eve\u0000', lastName: 'Nul', email: null, birthDate: '1990\u0000' })
  await hub.pull('crm:people')
  await match(type)
  expect((await services.search('person', 'eve nul', 1)).length).toBe(1)
})
