/** Walks the XML of a workbook as it comes, without building a tree of it. */
import sax from 'sax'

export type Handlers = {
  open(name: string, attributes: Record<string, string>): void
  text?(text: string): void
  close?(name: string): void
}

/** Feeds pieces of XML to handlers; names come without their prefix. Throws what the parser or a handler throws. */
export function feeder(handlers: Handlers): { write(piece: string): void; end(): void } {
  // Strict: only the five entities of XML itself are known, so nothing can be expanded.
  const parser = sax.parser(true, { position: false })
  let failure: Error | null = null
  parser.onerror = (error) => {
    failure ??= error
  }
  parser.onopentag = ({ name, attributes }) => handlers.open(local(name), attributes as Record<string, string>)
  if (handlers.text) {
    parser.ontext = (text) => handlers.text!(text)
    parser.oncdata = (text) => handlers.text!(text)
  }
  if (handlers.close) parser.onclosetag = (name) => handlers.close!(local(name))
  return {
    write: (piece) => {
      parser.write(piece)
      if (failure) throw failure
    },
    end: () => {
      parser.close()
      if (failure) throw failure
    },
  }
}

const local = (name: string): string => name.slice(name.indexOf(':') + 1)

/** An attribute by its name without prefix (`r:id`). */
export const attribute = (attributes: Record<string, string>, name: string): string | undefined =>
  attributes[name] ?? Object.entries(attributes).find(([key]) => local(key) === name)?.[1]
