import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { seededRandom } from './random.ts'

/** Names that break careless encoding: percent, plus, hash, question mark, and é composed and decomposed. */
export const oddNames = [
  ...[
    '50% Rabatt.txt',
    'a+b=c.txt',
    'semi;colon#hash.txt',
    'wer? niemand.txt',
    'é composed.txt',
    'e\u0301 decomposed.txt',
  ],
  ...['UPPER.TXT', 'upper.txt', "it's & <that>.txt", '日本語.txt', ' leading space.txt', '%2F not a slash.txt'],
]
export const bigFileBytes = 6 * 1024 * 1024
export const seededDocuments = 24 * 42 + oddNames.length + 1

/** The documents, with file times in the past: a fresh file would have a weak ETag for a second. */
export function writeDocuments(root: string): void {
  const put = (name: string, content: string | Buffer, minutes: number) => {
    const file = path.join(root, name)
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, content)
    const time = new Date(Date.UTC(2026, 0, 5, 8, minutes))
    utimesSync(file, time, time)
  }
  for (let month = 0; month < 24; month++)
    for (let n = 0; n < 42; n++) {
      const folder = `shared/${2024 + Math.floor(month / 12)}/${String((month % 12) + 1).padStart(2, '0')}`
      put(
        `${folder}/Protokoll ${month}-${n}.txt`,
        `Sitzung ${month}, Traktandum ${n}: Größe geprüft\n`.repeat(n + 1),
        month * 42 + n,
      )
    }
  for (const [i, name] of oddNames.entries()) put(`shared/odd names/${name}`, `content of ${name}\n`, 1_400 + i)
  const random = seededRandom(77)
  put(
    'shared/big.bin',
    Buffer.from(Uint32Array.from({ length: bigFileBytes / 4 }, () => random() * 2 ** 32).buffer),
    1_500,
  )
  for (let i = 0; i < 20; i++) put(`archive/Beleg ${i}.txt`, `Beleg ${i}\n`, 1_600 + i)
}
