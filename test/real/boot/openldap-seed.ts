import { familyNames, givenNames, pick, seededRandom } from './random.ts'

export const ldapBase = 'dc=rheinwerk,dc=example'
/** A tree of its own, which the hub may write to. */
export const mirrorBase = 'dc=mirror,dc=example'
export const peopleCount = 1_000
export const formerCount = 16
const departments = [
  ...['Einkauf', 'Verkauf', 'Buchhaltung', 'Forschung & Entwicklung', 'Lager, Süd', 'Lager, Nord'],
  ...['Qualität', 'Geschäftsleitung', 'IT', 'Kundendienst'],
]

type Attributes = Record<string, string | Buffer | (string | Buffer)[]>

/**
 * The directory as LDIF: people with umlauts, several mail addresses, managers, a photo here and there, departments with
 * a comma in their name, groups, and people who left. The same on every run.
 */
export function directoryLdif(hubPasswordHash: string): string {
  const { lines, add } = ldif()
  add(ldapBase, { objectClass: ['dcObject', 'organization'], dc: 'rheinwerk', o: 'Rheinwerk Präzision AG' })
  for (const ou of ['people', 'former', 'departments', 'groups', 'service'])
    add(`ou=${ou},${ldapBase}`, { objectClass: 'organizationalUnit', ou })
  const secret = { userPassword: hubPasswordHash }
  add(`cn=hub,ou=service,${ldapBase}`, {
    objectClass: ['organizationalRole', 'simpleSecurityObject'],
    cn: 'hub',
    ...secret,
  })
  departments.forEach((ou, i) => {
    const rdn = ou.replaceAll(',', '\\,')
    add(`ou=${rdn},ou=departments,${ldapBase}`, { objectClass: 'organizationalUnit', ou, description: `K${10 + i}` })
  })
  const people = addPeople(add)
  for (let i = 0; i < departments.length; i++) {
    const member = people.filter((_, n) => n % departments.length === i)
    add(`cn=team-${i},ou=groups,${ldapBase}`, { objectClass: 'groupOfNames', cn: `team-${i}`, member })
  }
  return lines.join('\n')
}

/** Where people and groups go that the hub writes. */
export function mirrorLdif(): string {
  const { lines, add } = ldif()
  add(mirrorBase, { objectClass: ['dcObject', 'organization'], dc: 'mirror', o: 'Mirror' })
  for (const ou of ['people', 'former', 'groups'])
    add(`ou=${ou},${mirrorBase}`, { objectClass: 'organizationalUnit', ou })
  return lines.join('\n')
}

function ldif(): { lines: string[]; add: (dn: string, attributes: Attributes) => void } {
  const lines: string[] = []
  const add = (dn: string, attributes: Attributes) => {
    lines.push(attributeLine('dn', dn))
    for (const [name, values] of Object.entries(attributes))
      for (const value of Array.isArray(values) ? values : [values]) lines.push(attributeLine(name, value))
    lines.push('')
  }
  return { lines, add }
}

/** Gives the DNs of those who are still there. */
function addPeople(add: (dn: string, attributes: Attributes) => void): string[] {
  const random = seededRandom(2611)
  const heads: string[] = []
  const present: string[] = []
  for (let i = 0; i < peopleCount + formerCount; i++) {
    const gone = i >= peopleCount
    const [givenName, sn] = [pick(random, givenNames), pick(random, familyNames)]
    const uid = `p${2000 + i}`
    const dn = `uid=${uid},ou=${gone ? 'former' : 'people'},${ldapBase}`
    const department = i % departments.length
    const mail = [`${uid}@rheinwerk.example`, ...(i % 7 === 3 ? [`zweit.${uid}@rheinwerk.example`] : [])]
    add(dn, {
      objectClass: 'inetOrgPerson',
      uid,
      cn: i % 5 === 0 ? [`${givenName} ${sn}`, `${sn}, ${givenName}`] : `${givenName} ${sn}`,
      givenName,
      sn,
      mail,
      employeeNumber: String(700_000 + i),
      employeeType: gone ? 'former' : i % 13 === 0 ? 'external' : 'internal',
      departmentNumber: `K${10 + department}`,
      preferredLanguage: pick(random, ['de-CH', 'fr-CH', 'it', 'en']),
      title: pick(random, ['Polymechanikerin', 'Sachbearbeiter', 'Cheffe de projet', 'Ingénieur']),
      ...(i % 3 ? { telephoneNumber: `+41 61 555 ${String(i).padStart(4, '0')}` } : {}),
      ...(heads[department] ? { manager: heads[department] } : {}),
      ...(i % 40 === 0 ? { jpegPhoto: photo(random) } : {}),
    })
    if (!gone) present.push(dn)
    heads[department] ??= dn
  }
  return present
}

const photo = (random: () => number): Buffer =>
  Buffer.concat([
    Buffer.from('ffd8ffe0', 'hex'),
    Buffer.from(Array.from({ length: 300 }, () => Math.floor(random() * 256))),
  ])

/** LDIF (RFC 2849): plain only when the value is safe printable ASCII, else base64. */
function attributeLine(name: string, value: string | Buffer): string {
  const plain = typeof value === 'string' && /^[!-9;=-~][ -~]*$/.test(value) && !value.endsWith(' ')
  return plain ? `${name}: ${value}` : `${name}:: ${Buffer.from(value).toString('base64')}`
}
