/** Results that a vendor hands out packed. */
import { gzipSync } from 'node:zlib'
import { packTar } from 'modern-tar'
import type { Expressions, Names } from './expressions.ts'
import { isItem } from './paths.ts'

/** A gzipped tar archive of the files that an expression gives. */
export async function packed(expressions: Expressions, text: string, names: Names): Promise<Buffer> {
  const given = await expressions.evaluate(text, names)
  const files = (Array.isArray(given) ? given : [given]).filter(isItem).map(({ name, content }) => {
    const body = Buffer.from(typeof content === 'string' ? content : JSON.stringify(content))
    return { header: { name: String(name), type: 'file' as const, size: body.length }, body }
  })
  return gzipSync(await packTar(files))
}
