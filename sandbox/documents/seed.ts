import type { World } from '../world/index.ts'
import { PAST_ENDS, past } from '../world/index.ts'
import type { Blobs } from './blobs.ts'
import { ROOT, type Shelf } from './shelf.ts'

const FOLDERS = ['Umowy', 'Verträge', 'Procédures', 'HR policies', 'Projekty 2026', 'Archiv'] as const
const TITLES = [
  'Umowa ramowa',
  'Rahmenvertrag',
  'Procédure qualité',
  'Meeting notes',
  'Protokół odbioru',
  'Prüfbericht',
] as const
const PARAGRAPHS = [
  'Strony ustalają, że dostawy odbywają się w dni robocze między 7:00 a 15:00.',
  'Änderungen und Ergänzungen bedürfen der Schriftform; § 12 bleibt unberührt.',
  'Le contrôle est effectué à réception ; toute réserve est notée sur le bon.',
  'Action items were agreed and will be followed up at the next meeting.',
] as const
const SCAN_BYTES = 6 * 1024 * 1024

/** Fills a new document store: six folders, 160 files with text, and one scan that does not fit into one chunk. */
export function seedDocuments(shelf: Shelf, blobs: Blobs, world: World): void {
  const random = world.random.for('documents')
  const begun = PAST_ENDS - 900 * 86_400_000
  shelf.create({ type: 'folder', name: ROOT }, begun)
  const folders = FOLDERS.map((name) => shelf.create({ type: 'folder', name, parent_id: ROOT }, begun))
  for (let i = 1; i <= 160; i++) {
    const company = random.pick(world.companies)
    const title = `${random.pick(TITLES)} – ${company.name}`
    const text = Array.from({ length: random.int(3, 30) }, () => random.pick(PARAGRAPHS)).join('\n\n')
    const at = past(random)
    const folder = random.pick(folders)
    const name = `${String(i).padStart(3, '0')} ${title}.md`.replace(/[/\\]/g, '-')
    const properties = { company: company.name, vat_id: company.vatId, confidential: random.chance(0.2) }
    const file = shelf.create({ name, parent_id: folder.id, media_type: 'text/markdown', properties }, at)
    shelf.fill(file.id, blobs.put(Buffer.from(`# ${title}\n\n${text}\n`)), 'text/markdown', '', at)
  }
  const scan = shelf.create(
    { name: 'Scan 1998–2004.tif', parent_id: folders.at(-1)!.id, media_type: 'image/tiff' },
    begun,
  )
  shelf.fill(scan.id, blobs.put(scanBytes()), 'image/tiff', '', begun)
}

/** Not a picture, but bytes that differ from place to place, so that a missing or doubled chunk shows in the hash. */
function scanBytes(): Buffer {
  const bytes = Buffer.alloc(SCAN_BYTES)
  for (let at = 0; at < SCAN_BYTES; at += 4) bytes.writeUInt32LE(Math.imul(at, 2_654_435_761) >>> 0, at)
  return bytes
}
