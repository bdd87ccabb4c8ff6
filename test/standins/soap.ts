/** A SOAP service of contacts on the npm package `soap`, which reads envelopes by a WSDL and knows nothing of our connector. */
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { listen } from 'soap'

type Contact = {
  id: string
  name: string
  limit?: string | null
  active: string
  phone?: string[]
  changed: string
}
export type SoapService = {
  url: string
  host: string
  contacts: Map<string, Contact>
  headers: IncomingHttpHeaders[]
  bodies: string[]
  close(): Promise<void>
}

const user = 'ann'
export const password = 'right-one'

export async function startSoap(): Promise<SoapService> {
  const contacts = new Map<string, Contact>()
  const service: SoapService = {
    ...{ url: '', host: '', contacts, headers: [], bodies: [] },
    close: () => new Promise((done) => server.close(() => done()).closeAllConnections()),
  }
  const server = createServer((_request, response) => response.writeHead(404).end())
  const soap = listen(server, { path: '/contacts', services: servicesOf(contacts), xml: wsdl })
  soap.authorizeConnection = (request) => {
    service.headers.push(request.headers)
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => service.bodies.push(Buffer.concat(chunks).toString()))
    return true
  }
  soap.authenticate = (security) =>
    security?.UsernameToken?.Username === user &&
    (security.UsernameToken.Password?.$value ?? security.UsernameToken.Password) === password
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  return Object.assign(service, { url: `http://127.0.0.1:${port}`, host: `127.0.0.1:${port}` })
}

type Given = {
  id?: string | string[]
  contact?: Partial<Contact>
  changedSince?: string
  first?: string
  most?: string
}

function servicesOf(contacts: Map<string, Contact>) {
  const refusal = (code: string, text: string, reason: string) => ({
    Fault: { faultcode: code, faultstring: text, detail: { reason } },
  })
  const known = (id: string): Contact => {
    const found = contacts.get(id)
    if (!found) throw refusal('soap:Client', `no contact ${id}`, 'NO_SUCH_CONTACT')
    return found
  }
  const ids = ({ id }: Given) => [id ?? []].flat()
  let next = 100
  const operations = {
    findContacts: ({ changedSince, first, most }: Given) => {
      const all = [...contacts.values()].filter(({ changed }) => !changedSince || changed >= changedSince)
      return { contact: all.slice(Number(first), Number(first) + Number(most)) }
    },
    getContacts: (given: Given) => ({ contact: ids(given).flatMap((id) => contacts.get(id) ?? []) }),
    addContact: ({ contact = {} }: Given) => {
      if (!contact.name) throw refusal('soap:Client', 'a name is missing', 'INVALID')
      if (contact.name === 'boom') throw refusal('soap:Server', 'the database is away', 'INTERNAL')
      const id = String(next++)
      contacts.set(id, { active: 'true', ...contact, id, changed: '2026-03-01T00:00:00Z' } as Contact)
      return { id }
    },
    changeContact: (given: Given) => {
      const [id = ''] = ids(given)
      contacts.set(id, { ...known(id), ...given.contact })
      return { id }
    },
    removeContact: (given: Given) => {
      const [id = ''] = ids(given)
      known(id)
      contacts.delete(id)
      return { id }
    },
  }
  const named = Object.entries(operations).map(([name, operation]) => [
    name.replace(/^./, (c) => c.toUpperCase()),
    operation,
  ])
  return { ContactService: { ContactPort: Object.fromEntries(named) } }
}

const message = (name: string, content: string) => `
  <xsd:element name="${name}"><xsd:complexType><xsd:sequence>${content}</xsd:sequence></xsd:complexType></xsd:element>
  <xsd:element name="${name}Response"><xsd:complexType><xsd:sequence>
    <xsd:element name="id" type="xsd:string" minOccurs="0"/>
    <xsd:element name="contact" type="tns:Contact" minOccurs="0" maxOccurs="unbounded"/></xsd:sequence></xsd:complexType></xsd:element>`
const id = '<xsd:element name="id" type="xsd:string" maxOccurs="unbounded"/>'
const contact = '<xsd:element name="contact" type="tns:Contact"/>'
const messages: Record<string, string> = {
  FindContacts: ['changedSince', 'first', 'most']
    .map((name) => `<xsd:element name="${name}" type="xsd:string" minOccurs="0"/>`)
    .join(''),
  GetContacts: id,
  AddContact: contact,
  ChangeContact: id + contact,
  RemoveContact: id,
}
const names = Object.keys(messages)

export const wsdl = `<?xml version="1.0"?>
<definitions name="Contacts" targetNamespace="urn:example:crm" xmlns:tns="urn:example:crm" xmlns="http://schemas.xmlsoap.org/wsdl/"
  xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:xsd="http://www.w3.org/2001/XMLSchema">
<types><xsd:schema targetNamespace="urn:example:crm" elementFormDefault="qualified">
  <xsd:complexType name="Contact"><xsd:sequence>
    <xsd:element name="id" type="xsd:string" minOccurs="0"/><xsd:element name="name" type="xsd:string" minOccurs="0"/>
    <xsd:element name="limit" type="xsd:decimal" minOccurs="0" nillable="true"/><xsd:element name="active" type="xsd:string" minOccurs="0"/>
    <xsd:element name="phone" type="xsd:string" minOccurs="0" maxOccurs="unbounded"/>
    <xsd:element name="changed" type="xsd:string" minOccurs="0"/></xsd:sequence></xsd:complexType>
  ${names.map((name) => message(name, messages[name]!)).join('')}
</xsd:schema></types>
${names.map((name) => `<message name="${name}In"><part name="parameters" element="tns:${name}"/></message><message name="${name}Out"><part name="parameters" element="tns:${name}Response"/></message>`).join('')}
<portType name="ContactPortType">${names.map((name) => `<operation name="${name}"><input message="tns:${name}In"/><output message="tns:${name}Out"/></operation>`).join('')}</portType>
<binding name="ContactBinding" type="tns:ContactPortType"><soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
${names.map((name) => `<operation name="${name}"><soap:operation soapAction="urn:example:crm/${name}"/><input><soap:body use="literal"/></input><output><soap:body use="literal"/></output></operation>`).join('')}</binding>
<service name="ContactService"><port name="ContactPort" binding="tns:ContactBinding"><soap:address location="http://127.0.0.1/contacts"/></port></service>
</definitions>`
