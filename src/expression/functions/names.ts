import { lazily } from '../../core/index.ts'
import type { DocumentedFunction } from './documented.ts'

type Names = { parseName(name: string): Record<string, string | undefined> }
const names = lazily<Names>('humanparser')

export const nameFunctions: Record<string, DocumentedFunction> = {
  splitName: {
    usage: '$splitName(text)',
    sense:
      'The parts of a personal name: `first`, `middle`, `last`, `title`, `suffix`, as far as they are there. A comma puts the last name first. A guess, as all splitting of names is: prefer fields that are apart in the source.',
    signature: '<s-:o>',
    implementation: (text?: string) => {
      if (text === undefined || text.trim() === '' || text.length > 500) return undefined
      const { firstName, middleName, lastName, salutation, suffix } = names().parseName(text)
      const parts = { first: firstName, middle: middleName, last: lastName, title: salutation, suffix }
      return Object.fromEntries(Object.entries(parts).filter(([, part]) => part))
    },
    examples: [
      ['$splitName("Dr. Anna Maria Kowalska-Nowak").last', 'Kowalska-Nowak'],
      ['$splitName("Nowak, Jan")', { first: 'Jan', last: 'Nowak' }],
      ['$splitName("Ludwig van Beethoven").last', 'van Beethoven'],
    ],
  },
}
