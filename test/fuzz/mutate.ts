/** Changes inputs as those change that somebody else makes: bytes, pieces, numbers, and words that mean something. */
import type { Random } from '../random.ts'

const WORDS = [
  '\0',
  '\r\n',
  '"',
  "'",
  '{}',
  '[]',
  '[[[[[[[[',
  '- ',
  ': ',
  '&a ',
  '*a',
  '<<: ',
  '!!js',
  '| ',
  '> ',
  '${',
  '}',
  '$',
]
const NUMBERS = ['0', '-1', '1e309', '-0', '9007199254740993', '0.1e-400', 'NaN', '65536', '2147483648']
const LETTERS = [
  'é',
  '\u{1f600}',
  '\ud800',
  '\u202e',
  '\ufeff',
  '__proto__',
  'constructor',
  '\u2028',
  ',',
  ';',
  '=',
  '.',
]
const MOST_BYTES = 64 * 1024

export function mutated(random: Random, input: Buffer, other: Buffer): Buffer {
  let bytes = input
  for (let times = random.between(1, 4); times > 0; times--) bytes = once(random, bytes, other)
  return bytes.subarray(0, MOST_BYTES)
}

function once(random: Random, bytes: Buffer, other: Buffer): Buffer {
  const at = random.between(0, bytes.length)
  const end = Math.min(bytes.length, at + random.between(1, 40))
  const with_ = (middle: Buffer, from = at): Buffer =>
    Buffer.concat([bytes.subarray(0, at), middle, bytes.subarray(from)])
  switch (random.between(0, 6)) {
    case 0:
      return with_(Buffer.from([random.between(0, 255)]), Math.min(bytes.length, at + 1))
    case 1:
      return with_(Buffer.alloc(0), end)
    case 2:
      return with_(bytes.subarray(at, end))
    case 3:
      return with_(Buffer.from(random.pick([...WORDS, ...LETTERS])))
    case 4:
      return with_(Buffer.from(random.pick(NUMBERS)), end)
    case 5: {
      const from = random.between(0, other.length)
      return with_(other.subarray(from, from + random.between(1, 200)))
    }
    default:
      return with_(bytes.subarray(at, end), random.between(at, bytes.length))
  }
}
