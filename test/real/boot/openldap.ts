import { createHash } from 'node:crypto'
import { chmodSync, cpSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { directoryLdif, ldapBase, mirrorBase, mirrorLdif } from './openldap-seed.ts'
import { packageVersion, requirePackages } from './packages.ts'
import { accepts, freePort, run, startServer } from './process.ts'
import { seededState } from './state.ts'
import type { BootOptions, RunningSystem } from './system.ts'
import { type TlsFiles, tlsFiles } from './tls.ts'

const adminPassword = 'real-admin-only-here'
const hubPassword = 'real-hub-only-here'

/** Salted SHA-1 is what slapd checks without a module; the password is invented. */
const ssha = (password: string, salt = Buffer.from('causeway')): string => {
  const hash = createHash('sha1').update(password).update(salt).digest()
  return `{SSHA}${Buffer.concat([hash, salt]).toString('base64')}`
}

/** Starts OpenLDAP on loopback with the seeded directory; 250 entries is its limit for a search without paging. */
export async function bootOpenLdap(options: BootOptions): Promise<RunningSystem> {
  requirePackages('OpenLDAP', ['slapd', 'ldap-utils', 'openssl'], options.install)
  const sources = ['openldap.ts', 'openldap-seed.ts', 'random.ts'].map((name) =>
    fileURLToPath(new URL(name, import.meta.url)),
  )
  const seeded = await seededState('openldap', sources, packageVersion('slapd'), seed)
  const folder = path.join(options.folder, 'openldap')
  cpSync(seeded, folder, { recursive: true })
  const tls = await tlsFiles(path.join(folder, 'tls'))
  const config = writeConfig(folder, tls)
  const [port, tlsPort] = [await freePort(), await freePort()]
  const server = await startServer({
    command: ['slapd', '-d', '0', '-f', config, '-h', `ldap://127.0.0.1:${port} ldaps://127.0.0.1:${tlsPort}`],
    log: path.join(folder, 'server.log'),
    mark: folder,
    answers: () => accepts(port),
    detached: options.detached,
  })
  return {
    name: 'openldap',
    pid: server.pid,
    stop: server.stop,
    env: {
      LDAP_URL: `ldap://127.0.0.1:${port}`,
      LDAPS_URL: `ldaps://127.0.0.1:${tlsPort}`,
      LDAP_CA_FILE: tls.ca,
      LDAP_BASE: ldapBase,
      LDAP_MIRROR_BASE: mirrorBase,
      LDAP_ADMIN_DN: `cn=admin,${ldapBase}`,
      LDAP_ADMIN_PASSWORD: adminPassword,
      LDAP_USER: `cn=hub,ou=service,${ldapBase}`,
      LDAP_PASSWORD: hubPassword,
    },
  }
}

/** Loaded through a running server, not slapadd: only then do the overlays fill `memberOf` and the change log. */
async function seed(folder: string): Promise<void> {
  const config = writeConfig(folder, null)
  const port = await freePort()
  const url = `ldap://127.0.0.1:${port}`
  const server = await startServer({
    command: ['slapd', '-d', '0', '-f', config, '-h', url],
    log: path.join(folder, 'server.log'),
    mark: folder,
    answers: () => accepts(port),
    detached: false,
  })
  try {
    const bind = ['-x', '-H', url, '-D', `cn=admin,${ldapBase}`, '-w', adminPassword]
    await run(['ldapadd', ...bind], { input: directoryLdif(ssha(hubPassword)) })
    await run(['ldapadd', ...bind], { input: mirrorLdif() })
  } finally {
    await server.stop()
  }
}

function writeConfig(folder: string, tls: TlsFiles | null): string {
  for (const name of ['data', 'log', 'mirror']) mkdirSync(path.join(folder, name), { recursive: true })
  const file = path.join(folder, 'slapd.conf')
  writeFileSync(file, slapdConfig(folder, tls))
  chmodSync(file, 0o600)
  return file
}

const slapdConfig = (folder: string, tls: TlsFiles | null): string => `
${['core', 'cosine', 'inetorgperson'].map((name) => `include /etc/ldap/schema/${name}.schema`).join('\n')}
modulepath /usr/lib/ldap
${['back_mdb', 'memberof', 'refint', 'unique', 'syncprov', 'accesslog'].map((name) => `moduleload ${name}`).join('\n')}
pidfile ${folder}/slapd.pid
loglevel none
disallow bind_anon
sizelimit size.soft=250 size.hard=250 size.prtotal=unlimited
${tls ? `TLSCACertificateFile ${tls.ca}\nTLSCertificateFile ${tls.certificate}\nTLSCertificateKeyFile ${tls.key}` : ''}

database mdb
suffix cn=changes
rootdn cn=admin,${ldapBase}
directory ${folder}/log
maxsize 134217728
index objectClass,reqStart,reqResult eq
access to * by dn.exact="cn=hub,ou=service,${ldapBase}" read by * none

database mdb
suffix ${ldapBase}
rootdn cn=admin,${ldapBase}
rootpw ${ssha(adminPassword)}
directory ${folder}/data
maxsize 134217728
index objectClass,uid,mail,employeeNumber,entryUUID,entryCSN,modifyTimestamp,member eq
access to attrs=userPassword by self write by anonymous auth by * none
access to * by dn.exact="cn=hub,ou=service,${ldapBase}" read by users search
overlay memberof
memberof-refint TRUE
overlay refint
refint_attributes manager member
refint_nothing cn=nobody,${ldapBase}
overlay unique
unique_uri ldap:///ou=people,${ldapBase}?uid?sub
overlay syncprov
overlay accesslog
logdb cn=changes
logops writes
logsuccess TRUE

database mdb
suffix ${mirrorBase}
rootdn cn=admin,${ldapBase}
directory ${folder}/mirror
maxsize 134217728
index objectClass,uid,mail,employeeNumber,entryUUID,entryCSN,modifyTimestamp,member eq
access to * by dn.exact="cn=hub,ou=service,${ldapBase}" write by * none
overlay memberof
memberof-refint TRUE
overlay refint
refint_attributes manager member
refint_nothing cn=nobody,${mirrorBase}
overlay unique
unique_uri ldap:///ou=people,${mirrorBase}?uid?sub
`
