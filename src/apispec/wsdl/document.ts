/** A SOAP service as its WSDL 1.1 describes it: operations with what they take and answer, document/literal and rpc/literal. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { CausewayError } from '../../core/index.ts'
import type { Lookup, RawSchema } from '../schema.ts'
import { childOf, childrenOf, namespaceOf, type XmlElement, xmlTree } from './tree.ts'
import { XsdSchemas } from './xsd.ts'

export type SoapOperation = {
  name: string
  /** `SOAPAction`; empty where there is none. */
  action: string
  /** The element in the body of a request, as `{namespace}name`. */
  element: string
  input: RawSchema
  /** What stands in the answered element; absent for operations that answer nothing. */
  output?: RawSchema
}

export type Wsdl = {
  title: string
  /** Path of the service's address. */
  path: string
  soap: '1.1' | '1.2'
  /** Elements in a request have the namespace of its operation. */
  qualified: boolean
  /** A policy wants user and password in the header. */
  security: boolean
  operations: SoapOperation[]
  lookup: Lookup
}

const SOAP = {
  'http://schemas.xmlsoap.org/wsdl/soap/': '1.1',
  'http://schemas.xmlsoap.org/wsdl/soap12/': '1.2',
} as const

export const isWsdl = (text: string): boolean =>
  /^\s*(\uFEFF)?(<\?[^>]*>\s*|<!--[\s\S]*?-->\s*)*<([\w.-]+:)?definitions\b/.test(text)

/** Reads a WSDL and what it imports from files beside it; `attributes` of elements only where they are asked for. Throws CSW-1005 for what is none, or has no SOAP binding. */
export function readWsdl(file: string, attributes = false): Wsdl {
  const text = readFileSync(file, 'utf8')
  const parts = partsOf(file, text, new Set())
  const schemas = new XsdSchemas(attributes)
  for (const schema of parts.filter(({ name }) => name === 'schema')) schemas.add(schema)
  const top = new Top(parts)
  const binding = top.binding()
  if (!binding) throw notUsable(file, 'it has no SOAP binding of document/literal or rpc/literal')
  const operations = binding.operations.flatMap((bound) => top.operation(bound, binding, schemas) ?? [])
  const [first] = operations
  return {
    title: top.title(),
    path: pathOf(binding.address),
    soap: binding.soap,
    qualified: binding.style === 'document' && (!first || schemas.isQualified(first.element)),
    security: /UsernameToken/.test(text),
    operations,
    lookup: schemas.lookup,
  }
}

const notUsable = (file: string, why: string) =>
  new CausewayError('CSW-1005', {
    what: `${file} cannot be used as a description of a SOAP service: ${why}.`,
    fix: 'Give a WSDL 1.1 with the schemas it imports beside it.',
    place: { file },
  })

/** All `definitions` and `schema` elements of a description and of the files that it names. */
function partsOf(file: string, text: string, seen: Set<string>): XmlElement[] {
  seen.add(resolve(file))
  let root: XmlElement
  try {
    root = xmlTree(text)
  } catch (cause) {
    throw notUsable(file, (cause as Error).message)
  }
  const schemas =
    root.name === 'schema' ? [root] : childrenOf(root, 'types').flatMap((types) => childrenOf(types, 'schema'))
  const named = [root, ...schemas].flatMap((part) => childrenOf(part, 'import', 'include'))
  const further = named.flatMap(({ attributes }) => {
    const path = attributes.schemaLocation ?? attributes.location
    // What lies elsewhere in the network is not fetched: nothing is known of it.
    const beside = path && !/^[a-z]+:\/\//i.test(path) ? resolve(dirname(file), path) : undefined
    if (!beside || seen.has(beside) || !existsSync(beside)) return []
    return partsOf(beside, readFileSync(beside, 'utf8'), seen)
  })
  return [...(root.name === 'definitions' ? [root] : []), ...schemas, ...further]
}

type Binding = {
  soap: '1.1' | '1.2'
  style: string
  portType: string
  address: string
  operations: XmlElement[]
}

/** Messages, port types, bindings and services of all files, by their names. */
class Top {
  private readonly definitions: XmlElement[]

  constructor(parts: XmlElement[]) {
    this.definitions = parts.filter(({ name }) => name === 'definitions')
  }

  title(): string {
    const [service] = this.all('service')
    return service?.node.attributes.name ?? this.definitions[0]?.attributes.name ?? ''
  }

  private all(kind: string): { name: string; node: XmlElement }[] {
    return this.definitions.flatMap((part) =>
      childrenOf(part, kind).map((node) => ({
        name: `{${part.attributes.targetNamespace ?? ''}}${node.attributes.name ?? ''}`,
        node,
      })),
    )
  }

  private find(kind: string, name: string): XmlElement | undefined {
    return this.all(kind).find((one) => one.name === name)?.node
  }

  /** The binding to use: of SOAP 1.1 where there is one. */
  binding(): Binding | undefined {
    const ports = this.all('service').flatMap(({ node }) => childrenOf(node, 'port'))
    const usable = this.all('binding').flatMap(({ name, node }): Binding[] => {
      const soap = node.children.find((one) => one.name === 'binding' && one.namespace in SOAP)
      if (!soap) return []
      const port = ports.find((one) => one.qualified(one.attributes.binding ?? '') === name)
      return [
        {
          soap: SOAP[soap.namespace as keyof typeof SOAP],
          style: soap.attributes.style ?? 'document',
          portType: node.qualified(node.attributes.type ?? ''),
          address: childOf(port, 'address')?.attributes.location ?? '',
          operations: childrenOf(node, 'operation').filter((one) => bodyOf(one)?.attributes.use !== 'encoded'),
        },
      ]
    })
    return usable.filter(({ operations }) => operations.length).sort((a, b) => a.soap.localeCompare(b.soap))[0]
  }

  operation(bound: XmlElement, { style, portType }: Binding, schemas: XsdSchemas): SoapOperation | null {
    const name = bound.attributes.name ?? ''
    const soap = bound.children.find((one) => one.name === 'operation' && one.namespace in SOAP)
    const abstract = childrenOf(this.find('portType', portType), 'operation').find(
      (one) => one.attributes.name === name,
    )
    const rpc = (soap?.attributes.style ?? style) === 'rpc'
    const asked = this.message(childOf(abstract, 'input'), rpc, schemas)
    if (!asked) return null
    const answered = this.message(childOf(abstract, 'output'), rpc, schemas)
    const namespace = bodyOf(bound)?.attributes.namespace ?? namespaceOf(portType)
    return {
      name,
      action: soap?.attributes.soapAction ?? '',
      element: rpc ? `{${namespace}}${name}` : asked.element,
      input: asked.schema,
      ...(answered ? { output: answered.schema } : {}),
    }
  }

  /** What stands in the element of a message: that of its one part, or all parts in an element named like the operation. */
  private message(reference: XmlElement | undefined, rpc: boolean, schemas: XsdSchemas) {
    const message = reference && this.find('message', reference.qualified(reference.attributes.message ?? ''))
    if (!message) return null
    const parts = childrenOf(message, 'part')
    if (!rpc) {
      const part = parts.find(({ attributes }) => attributes.element)
      if (!part) return null
      const element = part.qualified(part.attributes.element!)
      return { element, schema: { $ref: `#/element/${element}` } as RawSchema }
    }
    const properties = Object.fromEntries(
      parts.map((part) => [part.attributes.name ?? '', schemas.refTo(part.qualified(part.attributes.type ?? ''))]),
    )
    const namespaces = Object.fromEntries(Object.keys(properties).map((one) => [one, '']))
    return {
      element: '',
      schema: { type: 'object', properties, required: Object.keys(properties), namespaces } as RawSchema,
    }
  }
}

const bodyOf = (bound: XmlElement): XmlElement | undefined => childOf(childOf(bound, 'input'), 'body')

function pathOf(address: string): string {
  try {
    return new URL(address).pathname.replace(/\/$/, '')
  } catch {
    return ''
  }
}
