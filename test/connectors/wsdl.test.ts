/** Connectors drafted from a WSDL: they load, they say what a person would have written, and one runs against the service described. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { checkAgainstSpec, draftInto } from '../../src/conformance/index.ts'
import { loadConnectors, type SourceRecord, type WriteOperation } from '../../src/connector/index.ts'
import * as examples from '../../src/connector/protocols/soap/examples.ts'
import { type JsonObject, parseYamlData } from '../../src/core/index.ts'
import { password, startSoap, wsdl } from '../standins/soap.ts'

const root = mkdtempSync(join(tmpdir(), 'causeway-wsdl-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** A connector drafted into a folder of its own; the first of the files is the WSDL. */
function drafted(name: string, files: Record<string, string>) {
  const place = mkdtempSync(join(root, 'draft-'))
  for (const [file, text] of Object.entries(files)) writeFileSync(join(place, file), text)
  const made = draftInto(join(place, 'connectors', name), name, [join(place, Object.keys(files)[0]!)])
  const read = (file: string) => readFileSync(join(made.folder, file), 'utf8')
  const manifest = parseYamlData(read('connector.yaml')) as JsonObject & { streams: Record<string, JsonObject> }
  return { ...made, read, manifest }
}

test('a draft runs against the service: pages once a person says how, changes, one by id, create, update, delete', async () => {
  const { findings, streams, folder, read } = drafted('bureau', { 'bureau.wsdl': wsdl })
  expect({ findings, streams }).toEqual({ findings: [], streams: ['contacts'] })
  // What no WSDL says: how pages are asked for, and that user and password go into the header.
  const finished = read('connector.yaml')
    .replace('auth:\n  kind: basic\n', 'security:\n')
    .replace(
      'changedSince: ${ since }',
      'changedSince: ${ since }\n        first: ${ page.offset }\n        most: ${ page.size }',
    )
    .replace(
      'records: response.contact\n      incremental',
      'records: response.contact\n      page_size: 2\n      paging: { kind: offset }\n      incremental',
    )
  writeFileSync(join(folder, 'connector.yaml'), finished)
  const service = await startSoap()
  const connector = loadConnectors([dirname(folder)], new Set(['bureau'])).get('bureau')
  const session = await connector.open({
    name: 'bureau',
    settings: { url: new URL(service.url).origin, user: 'ann', password },
    allow: ['127.0.0.1'],
  })
  const { signal } = new AbortController()
  const write = async (operation: WriteOperation, id: string, values: JsonObject, known: JsonObject = {}) =>
    (
      await session.write({
        stream: 'contacts',
        operation,
        signal,
        items: [{ ref: 'r', id, values, known, idempotencyKey: 'k' }],
      })
    )[0]
  try {
    for (const name of ['A', 'B', 'C'])
      expect(await write('create', '', { name, limit: 1.5 })).toMatchObject({ status: 'written' })
    const found: SourceRecord[] = []
    for await (const page of session.read({ stream: 'contacts', mode: 'full', cursor: null, signal }))
      found.push(...page.records)
    expect(found.map(({ body }) => body.name)).toEqual(['A', 'B', 'C'])
    const [{ id = '', body } = {}] = found
    expect(await write('update', id, { limit: 7 }, body)).toMatchObject({ status: 'written' })
    expect(service.contacts.get(id)).toMatchObject({ name: 'A', limit: 7 })
    expect((await session.fetch({ stream: 'contacts', ids: [id], signal })).map((one) => one.body.limit)).toEqual([7])
    expect(await write('delete', id, {})).toMatchObject({ status: 'written' })
    expect(service.contacts.has(id)).toBe(false)
  } finally {
    await session.close()
    await service.close()
  }
})

const SCHEMA = 'xmlns:xs="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified"'
const DATA = `<xs:schema ${SCHEMA} targetNamespace="urn:data" xmlns:d="urn:data">
  <xs:simpleType name="Stage"><xs:restriction base="xs:string"><xs:enumeration value="Lead"/><xs:enumeration value="Customer"/></xs:restriction></xs:simpleType>
  <xs:complexType name="Entity"><xs:sequence><xs:element name="Id" type="xs:long" minOccurs="0"/><xs:element name="LastModified" type="xs:dateTime" minOccurs="0"/></xs:sequence></xs:complexType>
  <xs:complexType name="Customer"><xs:complexContent><xs:extension base="d:Entity"><xs:sequence>
    <xs:element name="Name" type="xs:string"/>
    <xs:choice><xs:element name="TaxNumber" type="xs:string"/><xs:element name="PersonalNumber" type="xs:string"/></xs:choice>
    <xs:element name="Stage" type="d:Stage" minOccurs="0"/><xs:element name="Limit" type="xs:decimal" nillable="true" minOccurs="0"/>
    <xs:element name="Phones" type="xs:string" minOccurs="0" maxOccurs="unbounded"/><xs:element name="Parent" type="d:Customer" minOccurs="0"/>
  </xs:sequence></xs:extension></xs:complexContent></xs:complexType>
  <xs:complexType name="ArrayOfCustomer"><xs:sequence><xs:element name="Customer" type="d:Customer" minOccurs="0" maxOccurs="unbounded"/></xs:sequence></xs:complexType>
</xs:schema>`

const field = (name: string, type: string, more = '') => `<xs:element name="${name}" type="${type}" ${more}/>`
const session = field('SessionId', 'xs:string')
const element = (name: string, inside: string) =>
  `<xs:element name="${name}"><xs:complexType><xs:sequence>${inside}</xs:sequence></xs:complexType></xs:element>`
/** Operations with what stands in the request and in the answer. */
const OPERATIONS: Record<string, [string, string]> = {
  GetCustomerById: [
    session + field('customerId', 'xs:long'),
    field('GetCustomerByIdResult', 'd:Customer', 'minOccurs="0"'),
  ],
  GetCustomers: [
    session +
      field('ModifiedSince', 'xs:dateTime', 'minOccurs="0"') +
      field('PageNumber', 'xs:int') +
      field('PageSize', 'xs:int'),
    field('GetCustomersResult', 'd:ArrayOfCustomer', 'minOccurs="0"'),
  ],
  CreateCustomer: [session + field('customer', 'd:Customer'), field('CreateCustomerResult', 'xs:long')],
  UpdateCustomer: [session + field('customer', 'd:Customer'), ''],
  DeleteCustomer: [session + field('id', 'xs:long'), ''],
  Ping: ['', ''],
}
const names = Object.keys(OPERATIONS)
const binding = (prefix: string) =>
  `<w:binding name="${prefix}" type="t:Crm"><${prefix}:binding transport="http://schemas.xmlsoap.org/soap/http"/>${names
    .map(
      (name) =>
        `<w:operation name="${name}"><${prefix}:operation soapAction="urn:crm/${name}" style="document"/><w:input><${prefix}:body use="literal"/></w:input><w:output><${prefix}:body use="literal"/></w:output></w:operation>`,
    )
    .join('')}</w:binding>`
const HEAD =
  'xmlns:w="http://schemas.xmlsoap.org/wsdl/" xmlns:t="urn:crm" xmlns:d="urn:data" xmlns:s11="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:s12="http://schemas.xmlsoap.org/wsdl/soap12/" xmlns:xs="http://www.w3.org/2001/XMLSchema"'
const CRM = `<?xml version="1.0"?><!-- generated --><w:definitions targetNamespace="urn:crm" ${HEAD}>
<w:documentation>Wants a UsernameToken.</w:documentation>
<w:types><xs:schema ${SCHEMA} targetNamespace="urn:crm"><xs:import namespace="urn:data" schemaLocation="data.xsd"/>
${names.map((name) => element(name, OPERATIONS[name]![0]) + element(`${name}Response`, OPERATIONS[name]![1])).join('\n')}</xs:schema></w:types>
${names.map((name) => `<w:message name="${name}In"><w:part name="p" element="t:${name}"/></w:message><w:message name="${name}Out"><w:part name="p" element="t:${name}Response"/></w:message>`).join('\n')}
<w:portType name="Crm">${names.map((name) => `<w:operation name="${name}"><w:input message="t:${name}In"/><w:output message="t:${name}Out"/></w:operation>`).join('')}</w:portType>
${binding('s12')}${binding('s11')}
<w:service name="Crm"><w:port name="a" binding="t:s12"><s12:address location="https://crm.example/12"/></w:port><w:port name="b" binding="t:s11"><s11:address location="https://crm.example/api/Crm.svc"/></w:port></w:service>
</w:definitions>`

test('types of another namespace and file, wrapped answers, sessions, pages by number; SOAP 1.1 before 1.2', () => {
  const { findings, manifest, read } = drafted('crm', { 'crm.wsdl': CRM, 'data.xsd': DATA })
  expect(findings).toEqual([])
  expect(manifest).toMatchObject({
    base_url: '${ settings.url }/api/Crm.svc',
    soap: '1.1',
    qualified: true,
    namespaces: { tns: 'urn:crm', ns1: 'urn:data' },
    security: { user: '${ settings.user }' },
    settings: { session_id: { required: true } },
  })
  const id = { SessionId: '${ settings.session_id }' }
  expect(manifest.streams).toEqual({
    customers: {
      title: 'Customers',
      key: 'record.Id',
      version: { value: 'record.LastModified' },
      schema: 'schemas/customers.json',
      write_schema: 'schemas/customers.write.json',
      read: {
        operation: 'tns:GetCustomers',
        action: 'urn:crm/GetCustomers',
        // In the order of the schema: services are strict about it.
        content: { ...id, ModifiedSince: '${ since }', PageNumber: '${ page.number }', PageSize: '${ page.size }' },
        records: 'response.GetCustomersResult.Customer',
        page_size: 100,
        paging: { kind: 'page', first: 1 },
        incremental: { value: 'record.LastModified', format: 'iso_seconds', overlap_seconds: 60 },
      },
      fetch: {
        operation: 'tns:GetCustomerById',
        action: 'urn:crm/GetCustomerById',
        content: { ...id, customerId: '${ id }' },
        records: 'response.GetCustomerByIdResult',
      },
      write: {
        create: {
          operation: 'tns:CreateCustomer',
          action: 'urn:crm/CreateCustomer',
          content: {
            ...id,
            customer: '${ $merge($each(values, function($value, $name) { { "ns1:" & $name: $value } })) }',
          },
          id: 'response.CreateCustomerResult',
        },
        update: {
          operation: 'tns:UpdateCustomer',
          action: 'urn:crm/UpdateCustomer',
          content: {
            ...id,
            customer:
              '${ $merge($each($merge([{ "Id": id }, values]), function($value, $name) { { "ns1:" & $name: $value } })) }',
          },
          partial: false,
        },
        delete: {
          operation: 'tns:DeleteCustomer',
          action: 'urn:crm/DeleteCustomer',
          content: { ...id, id: '${ id }' },
        },
      },
    },
  })
  const { properties } = JSON.parse(read('schemas/customers.json')) as { properties: Record<string, object> }
  expect(Object.keys(properties)).toEqual([
    'Id',
    'LastModified',
    'Name',
    'TaxNumber',
    'PersonalNumber',
    'Stage',
    'Limit',
    'Phones',
    'Parent',
  ])
  expect(properties).toMatchObject({
    Id: { type: ['integer', 'null'] },
    LastModified: { format: 'date-time' },
    Stage: { enum: ['Lead', 'Customer', null] },
    Limit: { type: ['number', 'null'] },
    Phones: { type: ['array', 'null'], items: { type: ['string', 'null'] } },
  })
  expect(
    Object.keys((JSON.parse(read('schemas/customers.write.json')) as { properties: object }).properties),
  ).not.toContain('Id')
})

const PEOPLE = `<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" targetNamespace="urn:people" ${HEAD} xmlns:p="urn:people">
<types><xs:schema targetNamespace="urn:people"><xs:complexType name="Person"><xs:all><xs:element name="uuid" type="xs:string"/><xs:element name="name" type="xs:string"/><xs:element name="updated" type="xs:dateTime"/></xs:all></xs:complexType>
<xs:complexType name="People"><xs:sequence><xs:element name="person" type="p:Person" maxOccurs="unbounded"/></xs:sequence></xs:complexType></xs:schema></types>
<message name="In"><part name="limit" type="xs:int"/><part name="offset" type="xs:int"/></message><message name="Out"><part name="return" type="p:People"/></message>
<message name="New"><part name="person" type="p:Person"/></message><message name="Id"><part name="return" type="xs:string"/></message>
<portType name="P"><operation name="personList"><input message="p:In"/><output message="p:Out"/></operation><operation name="personCreate"><input message="p:New"/><output message="p:Id"/></operation></portType>
<binding name="B" type="p:P"><s11:binding style="rpc" transport="http://schemas.xmlsoap.org/soap/http"/>
<operation name="personList"><s11:operation soapAction=""/><input><s11:body use="literal" namespace="urn:rpc"/></input></operation>
<operation name="personCreate"><s11:operation soapAction=""/><input><s11:body use="literal" namespace="urn:rpc"/></input></operation></binding>
<service name="People"><port name="P" binding="p:B"><s11:address location="http://localhost/people/"/></port></service></definitions>`

test('rpc/literal: parts without a namespace in an element of the operation; verbs may come last', () => {
  const { findings, manifest } = drafted('people', { 'people.wsdl': PEOPLE })
  expect(findings).toEqual([])
  expect(manifest).toMatchObject({
    qualified: false,
    namespaces: { tns: 'urn:rpc' },
    base_url: '${ settings.url }/people',
    auth: { kind: 'basic' },
  })
  expect(manifest.streams.persons).toMatchObject({
    key: 'record.uuid',
    read: {
      operation: 'tns:personList',
      content: { limit: '${ page.size }', offset: '${ page.offset }' },
      records: 'response.return.person',
      paging: { kind: 'offset' },
    },
    write: { create: { operation: 'tns:personCreate', content: { person: '${ values }' }, id: 'response.return' } },
  })
})

test.each([
  [
    'encoded',
    PEOPLE.replaceAll('use="literal"', 'use="encoded"'),
    'no SOAP binding of document/literal or rpc/literal',
  ],
  ['not well-formed', PEOPLE.replace('</portType>', ''), 'Unexpected close tag (line 10)'],
])('a WSDL that is %s is refused', (what, text, why) => {
  expect(() => drafted(`bad-${what.replaceAll(' ', '-')}`, { 'bad.wsdl': text })).toThrow(
    expect.objectContaining({ code: 'CSW-1005', message: expect.stringContaining(why) }),
  )
})

test('a manifest is held against a WSDL: operations, elements that are sent, members that are read, fields', async () => {
  const held = async (change: (manifest: string) => string) => {
    const place = mkdtempSync(join(root, 'held-'))
    mkdirSync(join(place, 'contact-bureau'))
    writeFileSync(join(place, 'service.wsdl'), wsdl)
    writeFileSync(join(place, 'contact-bureau', 'connector.yaml'), change(examples.manifest))
    const catalogue = loadConnectors([place], new Set(['contact-bureau']))
    const { rows } = await checkAgainstSpec(catalogue, 'contact-bureau', [join(place, 'service.wsdl')])
    return rows
  }
  const rows = await held((manifest) => manifest)
  expect(rows.filter(({ verdict }) => verdict !== 'checked')).toEqual([])
  expect(rows.filter(({ what }) => what === 'request')).toHaveLength(5)
  expect(new Set(rows.map(({ what }) => what))).toEqual(new Set(['request', 'sent', 'read', 'field']))
  const spoiled = await held((manifest) =>
    manifest
      .replace('crm:RemoveContact', 'crm:DropContact')
      .replace('most: "${ page.size }"', 'limit: "${ page.size }"')
      .replace('key: record.id', 'key: record.number')
      .replaceAll('limit: { type: [number, "null"] }', 'credit: { type: [number, "null"] }'),
  )
  const wrong = spoiled.filter(({ verdict }) => verdict === 'wrong').map(({ what, name }) => `${what} ${name}`)
  expect([...new Set(wrong)].sort()).toEqual([
    'field credit',
    'read record.number',
    'request SOAP /DropContact',
    'sent contact.credit',
    'sent limit',
  ])
})
