/** What of a workbook is not its cells: sheets, shared texts, and which styles show dates. */
import type { Archive } from './archive.ts'
import { type DateKind, kindOfFormat } from './dates.ts'
import { attribute, feeder, type Handlers } from './xml.ts'

/** Texts that cells share are kept in memory while a sheet is read. */
const MOST_TEXT = 256 * 1024 * 1024
const MOST_ELSE = 64 * 1024 * 1024

export type Workbook = {
  sheet: { name: string; part: string }
  from1904: boolean
  texts: string[]
  /** By style number of a cell. */
  dates: (DateKind | null)[]
}

/** `wanted` is the name of a sheet, or its place from 1; the first one without it. */
export async function readWorkbook(archive: Archive, wanted: string | null): Promise<Workbook> {
  const { main, related } = await relationsOf(archive)
  const sheets: { name: string; id: string }[] = []
  let from1904 = false
  await walk(archive, main, {
    open: (name, attributes) => {
      if (name === 'sheet') sheets.push({ name: attributes.name ?? '', id: attribute(attributes, 'id') ?? '' })
      if (name === 'workbookPr') from1904 = /^(1|true)$/.test(attributes.date1904 ?? '')
    },
  })
  const sheet =
    wanted === null
      ? sheets[0]
      : (sheets.find(({ name }) => name === wanted) ?? (/^\d+$/.test(wanted) ? sheets[Number(wanted) - 1] : undefined))
  if (!sheet) {
    const names = sheets.map(({ name }) => JSON.stringify(name)).join(', ')
    throw archive.broken(`there is no sheet ${JSON.stringify(wanted ?? 1)}; it has ${names || 'none'}`)
  }
  const part = related.find(({ id }) => id === sheet.id)?.part
  if (part === undefined) throw archive.broken(`the sheet ${JSON.stringify(sheet.name)} leads nowhere`)
  const partOf = (kind: string) => related.find(({ type }) => type.endsWith(`/${kind}`))?.part
  return {
    sheet: { name: sheet.name, part },
    from1904,
    texts: await textsOf(archive, partOf('sharedStrings')),
    dates: await datesOf(archive, partOf('styles')),
  }
}

type Related = { id: string; type: string; part: string }

/** The workbook's own part and those it names; where they lie is not fixed. */
async function relationsOf(archive: Archive): Promise<{ main: string; related: Related[] }> {
  const top = await relations(archive, '')
  const main = top.find(({ type }) => type.endsWith('/officeDocument'))?.part
  if (main === undefined) throw archive.broken('it has no workbook inside')
  return { main, related: await relations(archive, main) }
}

async function relations(archive: Archive, of: string): Promise<Related[]> {
  const folder = of.slice(0, of.lastIndexOf('/') + 1)
  const found: Related[] = []
  await walk(archive, `${folder}_rels/${of.slice(folder.length)}.rels`, {
    open: (name, { Id = '', Type = '', Target = '', TargetMode }) => {
      if (name === 'Relationship' && TargetMode !== 'External')
        found.push({ id: Id, type: Type, part: new URL(Target, `http://x/${folder}`).pathname.slice(1) })
    },
  })
  return found
}

async function walk(archive: Archive, part: string, handlers: Handlers, most = MOST_ELSE): Promise<void> {
  const { write, end } = feeder(handlers)
  try {
    for await (const piece of archive.text(part, most)) write(piece)
    end()
  } catch (error) {
    throw archive.broken(`the part ${part} is not XML as it should be`, error)
  }
}

async function textsOf(archive: Archive, part: string | undefined): Promise<string[]> {
  const texts: string[] = []
  if (part === undefined || !archive.has(part)) return texts
  const reader = textReader()
  await walk(
    archive,
    part,
    {
      open: (name) => {
        if (name === 'si') reader.start()
        else reader.open(name)
      },
      text: reader.text,
      close: (name) => {
        reader.close(name)
        if (name === 'si') texts.push(reader.take())
      },
    },
    MOST_TEXT,
  )
  return texts
}

/** Collects the text of an `si` or `is`: all runs of it, without the phonetic spelling beside them. */
export function textReader() {
  let [text, inText, phonetic] = ['', false, false]
  return {
    start: () => {
      text = ''
    },
    open: (name: string) => {
      if (name === 'rPh') phonetic = true
      if (name === 't') inText = !phonetic
    },
    text: (piece: string) => {
      if (inText) text += piece
    },
    close: (name: string) => {
      if (name === 'rPh') phonetic = false
      if (name === 't') inText = false
    },
    take: () => unescaped(text),
  }
}

/** Characters that XML cannot hold are written `_x0007_`, and such a spelling itself with `_x005F_` before it. */
export const unescaped = (text: string): string =>
  text.includes('_x')
    ? text.replace(/_x([0-9A-Fa-f]{4})_/g, (_all, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    : text

async function datesOf(archive: Archive, part: string | undefined): Promise<(DateKind | null)[]> {
  if (part === undefined || !archive.has(part)) return []
  const codes = new Map<number, string>()
  const formats: number[] = []
  let inCells = false
  await walk(archive, part, {
    open: (name, attributes) => {
      if (name === 'numFmt') codes.set(Number(attributes.numFmtId), attributes.formatCode ?? '')
      if (name === 'cellXfs') inCells = true
      if (name === 'xf' && inCells) formats.push(Number(attributes.numFmtId ?? 0))
    },
    close: (name) => {
      if (name === 'cellXfs') inCells = false
    },
  })
  return formats.map((id) => kindOfFormat(id, codes.get(id)))
}
