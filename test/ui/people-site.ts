/** Two systems that know people: who is in both, who may be, and who is not. */
import { entityServices } from '../../src/assemble/entities.ts'
import { recordedIn } from '../../src/assemble/recorded.ts'
import { openTwoSystems, personType } from '../identity/hub.ts'
import { freshDatabase } from '../postgres.ts'
import { type Site, startSite } from './browser.ts'

/** `entity`: somebody who is in both. */
export async function openPeople(): Promise<{ site: Site; entity: number }> {
  const type = personType()
  const { hub, crm, erp, match } = await openTwoSystems((await freshDatabase()).pool)
  const ada = { firstName: 'Ada', lastName: 'Lovelace', phone: '500 600 700', birthDate: '1980-03-04' }
  crm.put('people', 'c1', { id: 'c1', ...ada, email: 'ada@postbox.example' })
  crm.put('people', 'c2', { id: 'c2', firstName: 'Jan', lastName: 'Kowal', email: 'jan@postbox.example' })
  crm.put('people', 'c3', { id: 'c3', firstName: 'Ewa', lastName: 'Lis', email: 'ewa@postbox.example' })
  erp.put('people', 'e1', { name: 'LOVELACE ADA', mail: 'Ada@Postbox.example', born: '1980-03-04' })
  erp.put('people', 'e2', { name: 'Kowal Jan', mail: 'jk@elsewhere.example' })
  erp.put('people', 'e3', { name: 'Lis Ewa', mail: 'lis@elsewhere.example' })
  for (const stream of ['crm:people', 'erp:people']) await hub.pull(stream)
  await match(type)
  const site = await startSite({
    pool: hub.pool,
    services: {
      entities: entityServices({
        pool: hub.pool,
        types: () => [type],
        model: hub.ports.model,
        recorded: recordedIn(hub.pool),
      }),
    },
  })
  const { rows } = await hub.pool.query<{ id: number }>(`select entity_id as id from link where record_id = 'c1'`)
  return { site, entity: rows[0]!.id }
}
