/** Names of elements in the words of a manifest: prefixes for namespaces, and none where the manifest's own rule adds it. */
import { type Lookup, type RawSchema, resolved } from '../schema.ts'
import type { Wsdl } from './document.ts'
import { localOf, namespaceOf } from './tree.ts'

export class Namespaces {
  private readonly prefixes = new Map<string, string>()
  private readonly qualified: boolean
  private readonly main: string

  constructor({ operations, qualified }: Wsdl) {
    this.qualified = qualified
    this.main = namespaceOf(operations[0]?.element ?? '{}')
    if (this.main) this.prefixes.set(this.main, 'tns')
  }

  /** Prefixes that were given, with their namespaces. */
  declared(): Record<string, string> {
    return Object.fromEntries([...this.prefixes].map(([uri, prefix]) => [prefix, uri]))
  }

  /** The element of an operation. */
  elementName(element: string): string {
    return this.prefixed(namespaceOf(element), localOf(element))
  }

  /** A member of a schema; elements without a prefix take that of the operation where the manifest says `qualified`. */
  memberName(schema: RawSchema, name: string): string {
    const namespace = (schema.namespaces as Record<string, string> | undefined)?.[name] ?? ''
    const plain = this.qualified ? namespace === this.main || namespace === '' : namespace === ''
    return plain ? name : this.prefixed(namespace, name)
  }

  /**
   * The values of a record, with the id in a member of that name where one is given. Members of another namespace than the
   * operation's get their prefix.
   */
  values(schema: RawSchema, lookup: Lookup, key: string | false): string {
    const whole = resolved(schema, lookup) ?? {}
    const [first = ''] = Object.keys(whole.properties ?? {})
    const named = this.memberName(whole, first)
    const all = key === false ? 'values' : `$merge([{ ${JSON.stringify(key)}: id }, values])`
    if (named === first) return `\${ ${all} }`
    const prefix = JSON.stringify(named.slice(0, named.indexOf(':') + 1))
    return `\${ $merge($each(${all}, function($value, $name) { { ${prefix} & $name: $value } })) }`
  }

  private prefixed(namespace: string, name: string): string {
    if (namespace === '') return name
    if (!this.prefixes.has(namespace)) this.prefixes.set(namespace, `ns${this.prefixes.size}`)
    return `${this.prefixes.get(namespace)}:${name}`
  }
}
