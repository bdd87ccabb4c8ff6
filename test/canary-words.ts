/** What must be found nowhere it does not belong, in the spellings in which it could stand there. */

/** Somebody by every field that a record has; in no test does anybody else have one of these values. */
export const CANARY_PERSON = {
  full_name: 'Kanarienda Vogelsang-Ptaszek',
  mail: 'canary.person@example.org',
  phone: '+48 500 600 7119',
  address: 'ul. Kanarkowa 17/4, Gniezno',
  note: 'asks for canary-yellow envelopes',
}

/** As it is, as an address, a header of credentials and bytes show it. */
const spellingsOf = (value: string): string[] => [
  value,
  encodeURIComponent(value),
  encodeURIComponent(value).replaceAll('%20', '+'),
  Buffer.from(value).toString('hex'),
  Buffer.from(value).toString('base64').replace(/=+$/, ''),
]

/** Which of the values stand in a text, however their letters are written. */
export function wordsIn(text: string, values: readonly string[]): string[] {
  const folded = text.toLowerCase()
  return values.filter((value) => spellingsOf(value).some((spelling) => folded.includes(spelling.toLowerCase())))
}
