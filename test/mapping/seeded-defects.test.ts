/** The checker against defects planted into sound mappings: found on their lines, and nothing found where there is none. */
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { checkProject } from '../../src/assemble/index.ts'
import { type Finding, formatPlace } from '../../src/core/index.ts'
import { checkSync, readMapping } from '../../src/mapping/index.ts'
import { Random } from '../random.ts'
import { corpus, type Planted, type Systems } from './defects/corpus.ts'
import { PLANTERS } from './defects/plant.ts'
import { writeYaml } from './defects/write-yaml.ts'

/** `CAUSEWAY_PROPERTY_SEED=random` looks for new cases; the seed is printed with every failure. */
const wanted = process.env.CAUSEWAY_PROPERTY_SEED ?? '20261123'
const seed = wanted === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(wanted)
const CASES = Number(process.env.CAUSEWAY_PLANTED_DEFECTS ?? 300)

let sound: Planted[]
beforeAll(async () => {
  sound = await corpus()
})

function findingsOf(text: string, systems: Systems): Finding[] {
  const { mapping, findings } = readMapping(text, 'm.yaml')
  return mapping ? checkSync(mapping.definition, systems) : findings
}

test('there is nothing to say about sound mappings, however they are quoted', () => {
  const random = new Random(seed)
  for (const planted of sound)
    for (let i = 0; i < 3; i++) {
      const content = i === 0 ? planted.content : { ...planted.content, description: '\ue000quoted anew' }
      const text = i === 0 ? stringify(content) : writeYaml(content, random).text
      expect([planted.sync, findingsOf(text, planted.systems).map(inWords)]).toEqual([planted.sync, []])
    }
})

test.each(['.', 'test/real/hub', 'src/cli/template'])(
  'there is nothing to say about the mappings in %s',
  async (dir) => {
    const { findings } = await checkProject({
      dir: join(import.meta.dirname, '../..', dir),
      paths: ['mappings'],
      env: {},
    })
    expect(findings.map(inWords)).toEqual([])
  },
)

test(`of ${CASES} planted defects at least 95 % are found on their lines (seed ${seed})`, () => {
  const random = new Random(seed)
  const missed: string[] = []
  const kinds = Object.entries(PLANTERS)
  for (let made = 0; made < CASES; ) {
    const [kind, plant] = kinds[made % kinds.length]!
    const planted = random.pick(sound)
    const content = plant(planted, random)
    if (!content) continue
    made++
    const { text, line, styles } = writeYaml(content, random)
    const findings = findingsOf(text, planted.systems)
    if (!findings.some(({ place }) => place.line === line))
      missed.push(
        `${kind} in ${planted.sync}, line ${line} (${styles}): ${text.split(/\r?\n/)[line - 1]?.trim()}\n   found: ${findings.map(inWords).join(' | ') || 'nothing'}`,
      )
  }
  expect(missed.length, `seed ${seed}:\n${missed.join('\n')}`).toBeLessThanOrEqual(CASES * 0.05)
})

const inWords = ({ place, message, fix }: Finding): string => `${formatPlace(place)} ${message}. ${fix}`
