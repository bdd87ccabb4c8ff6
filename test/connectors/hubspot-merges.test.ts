/** What HubSpot says of a merge reaches the record that is left as the ids of those that are in it now. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Subject } from '../../src/conformance/subject.ts'
import { loadConnectors } from '../../src/connector/index.ts'
import { readDescription, simulate } from '../../src/simulator/index.ts'

const connectors = join(import.meta.dirname, '../../connectors')

test.each(['contacts', 'companies', 'deals'])(
  'a merged record of %s lives on in the one that names it',
  async (stream) => {
    const simulator = simulate(readDescription(join(connectors, 'hubspot/samples/api.yaml')))
    await simulator.start()
    try {
      const subject = await Subject.open(loadConnectors([connectors]), 'hubspot', simulator)
      const [survivor, other] = simulator.table(stream).entries.map(({ record }) => record)
      Object.assign(survivor!.properties as object, { hs_merged_object_ids: '1501;1508' })
      const { records } = await subject.read(stream, 'full', null, Infinity, await subject.connect({}))
      const aliases = new Map(records.map((record) => [record.id, record.aliases]))
      expect(aliases.get(String(survivor!.id))).toEqual(['1501', '1508'])
      expect(aliases.get(String(other!.id))).toBeUndefined()
    } finally {
      await simulator.stop()
    }
  },
)
