/** What fuzzing begins with and what it found, and some inputs that are made of them: the long runs are `npm run fuzz`. */
import { expect, test } from 'vitest'
import { Random } from '../random.ts'
import { corpusOf } from './corpus.ts'
import { tried } from './loop.ts'
import { mutated } from './mutate.ts'
import { TARGETS } from './targets.ts'

test.each(TARGETS.map((target) => [target.name, target] as const))(
  'whatever comes, it is read or refused with a code: %s',
  async (_name, target) => {
    const random = new Random(20261127)
    const corpus = corpusOf(target)
    const made = Array.from({ length: 40 }, () => mutated(random, random.pick(corpus), random.pick(corpus)))
    for (const input of [...corpus, ...made]) {
      const found = await tried(target, input)
      expect(found, `${found?.error.stack}\n${JSON.stringify(found?.input.toString('latin1'))}`).toBeNull()
    }
  },
)
