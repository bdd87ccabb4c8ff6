import type { FastifyInstance } from 'fastify'
import { CausewayError } from '../core/index.ts'

/** Reads JSON bodies: valid UTF-8 only (Fastify would replace silently), bounded depth, no poisoned prototypes. */
export function readJsonBodies(app: FastifyInstance, maxDepth: number): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    // An action without particulars may be sent with a JSON media type and nothing in it.
    if (!body.length) return done(null, {})
    let text: string
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(body)
    } catch {
      return done(new CausewayError('CSW-8003', { what: 'The body is not valid UTF-8.' }))
    }
    if (deeperThan(text, maxDepth))
      return done(new CausewayError('CSW-8004', { what: `The body is nested deeper than ${maxDepth} levels.` }))
    parse(request, text, done)
  })
}

/** Counts brackets outside strings, before the parser builds anything. */
export function deeperThan(text: string, max: number): boolean {
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i)
    if (inString) {
      if (char === 0x5c) i++
      else if (char === 0x22) inString = false
    } else if (char === 0x22) inString = true
    else if (char === 0x5b || char === 0x7b) {
      if (++depth > max) return true
    } else if (char === 0x5d || char === 0x7d) depth--
  }
  return false
}
